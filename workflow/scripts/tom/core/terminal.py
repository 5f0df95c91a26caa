"""Output that reaches a terminal, whatever characters it can show."""

import codecs
import sys
import unicodedata

_ASCII = {"−": "-", "–": "-", "—": "-", "×": "x", "→": "->", "≥": ">=", "≤": "<=", "…": "...", "·": "."}
_ASCII |= {"‘": "'", "’": "'", "“": '"', "”": '"', "±": "+-", "━": "-", "─": "-", "●": "*"}


def in_ascii(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: what a terminal can't show in plain letters and signs, or as a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = ""
    for character in error.object[error.start : error.end]:
        plain = unicodedata.normalize("NFD", character).encode("ascii", "ignore").decode()
        shown += _ASCII.get(character) or plain or "?"
    return shown, error.end


def print_anywhere() -> None:
    """Let what is printed reach a terminal, whatever it can show."""
    codecs.register_error("in_ascii", in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="in_ascii")
