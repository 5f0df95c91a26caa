"""Social contexts: who the two players are to each other."""

from dataclasses import dataclass
from pathlib import Path

from tom.core.errors import UserError
from tom.core.yaml_files import read_checked


@dataclass(frozen=True)
class Context:
    """A context and its text for the player."""

    name: str
    situation: str
    paraphrase_of: str | None = None

    @property
    def recorded_as(self) -> str:
        """The context whose recorded counts apply: that of the original for a paraphrase, else its own."""
        return self.paraphrase_of or self.name


def load_context(file: str | Path) -> Context:
    """Read a context file. Errors: UserError names the file and the key."""
    document = read_checked(file, "context")
    name, original = Path(file).stem, document.get("paraphrase_of")
    if original and not (Path(file).parent / f"{original}.yaml").is_file():
        raise UserError(f"{file}: paraphrase_of: '{original}' is not a context in the same folder")
    return Context(name=name, situation=document["situation"].strip(), paraphrase_of=original)
