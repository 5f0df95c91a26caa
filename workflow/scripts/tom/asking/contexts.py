"""Social contexts: who the two players are to each other."""

from dataclasses import dataclass
from pathlib import Path

from tom.documents import read_checked


@dataclass(frozen=True)
class Context:
    """A context and the text that puts it before a player."""

    name: str
    situation: str


def load_context(file: str | Path) -> Context:
    """Read a context file. Errors: BadInput names the file and the key."""
    document = read_checked(file, "context")
    return Context(name=Path(file).stem, situation=document["situation"].strip())
