"""Names of the two options other than C and D: does a model know the game by another name?"""

from pathlib import Path

from tom.documents import read_checked
from tom.errors import BadInput


def load_labels(file: str | Path) -> tuple[str, str]:
    """The names of cooperation and defection. Errors: BadInput names the file and the key."""
    document = read_checked(file, "labels")
    if document["cooperate"] == document["defect"]:
        raise BadInput(f"{file}: defect: {document['defect']!r} is cooperation's name too")
    return document["cooperate"], document["defect"]
