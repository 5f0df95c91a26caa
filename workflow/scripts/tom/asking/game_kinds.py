"""The kinds of games: what a player does in one, and who reads its file."""

from pathlib import Path

import yaml

from tom.asking.games import load_game
from tom.asking.number_games import load_number_game
from tom.errors import BadInput

CHOICE, NUMBER = "choice", "number"

LOADERS = {CHOICE: load_game, NUMBER: load_number_game}
"""Kind → what reads and checks a game of it."""

CONTEXTS = {CHOICE: "contexts", NUMBER: "group_contexts"}
"""Kind → the folder below resources/ with contexts for its number of players."""


def kind_of(file: str | Path) -> str:
    """The kind that a game file names, `choice` if it names none. Errors: BadInput names the file and the key."""
    try:
        document = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        document = None
    kind = document.get("kind", CHOICE) if isinstance(document, dict) else CHOICE
    if kind not in LOADERS:
        raise BadInput(f"{file}: kind: {kind!r} is not allowed (allowed: {', '.join(LOADERS)})")
    return kind
