"""Names of the two options other than C and D: does a model know the game by another name?"""

from pathlib import Path

from tom.documents import read_checked
from tom.errors import BadInput


def load_labels(file: str | Path) -> tuple[str, str]:
    """The names of cooperation and defection. Errors: BadInput names the file and the key."""
    document = read_checked(file, "labels")
    cooperate, defect = document["cooperate"], document["defect"]
    if cooperate == defect:
        raise BadInput(f"{file}: defect: {defect!r} is cooperation's name too")
    if cooperate.startswith(defect) or defect.startswith(cooperate):
        raise BadInput(
            f"{file}: defect: {defect!r} and {cooperate!r}, cooperation's name: one begins the other, and a reply that"
            " begins with both is neither (allowed: names of which none begins the other)"
        )
    return cooperate, defect
