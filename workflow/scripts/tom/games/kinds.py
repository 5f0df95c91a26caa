"""The kinds of games (a choice of two actions, or a number to name) and their loaders."""

from pathlib import Path

import yaml

from tom.core.errors import UserError
from tom.games.game import load_game
from tom.games.number_game_files import load_number_game

CHOICE, NUMBER = "choice", "number"

LOADERS = {CHOICE: load_game, NUMBER: load_number_game}
"""Kind → the function that reads and checks a game file."""


def kind_of(file: str | Path) -> str:
    """The kind of a game file; `choice` if the file has no such key. Errors: UserError for an unknown kind."""
    try:
        document = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        document = None
    kind = document.get("kind", CHOICE) if isinstance(document, dict) else CHOICE
    if kind not in LOADERS:
        raise UserError(f"{file}: kind: {kind!r} is not allowed (allowed: {', '.join(LOADERS)})")
    return kind


def context_folder(file: str | Path, name: str) -> str:
    """The folder in resources/ with the contexts for the game's number of players. Errors: as the game's loader."""
    return load_number_game(file, name).contexts if kind_of(file) == NUMBER else "contexts"
