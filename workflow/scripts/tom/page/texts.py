"""Files that the page takes words from."""

from pathlib import Path

from tom.errors import BadInput


def read_text(file: Path, what: str) -> str:
    """The text of a file. Errors: BadInput says that there is no such `what`."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: no such {what} ({type(error).__name__})") from None
