"""The kinds of games (a choice of two actions, or a number to name), and the loaders of their files."""

from pathlib import Path

from tom.core.errors import UserError
from tom.core.yaml_files import check, read_document
from tom.games.beauty_contest import BeautyContest
from tom.games.dictator import Dictator
from tom.games.game import load_game
from tom.games.names import parse_name
from tom.games.number_game import NumberGame
from tom.games.public_goods import PublicGoods
from tom.games.travellers_dilemma import TravellersDilemma
from tom.games.trust import Trust
from tom.games.ultimatum import Ultimatum

FAMILIES = {
    "public_goods": PublicGoods,
    "dictator": Dictator,
    "ultimatum": Ultimatum,
    "trust": Trust,
    "travellers_dilemma": TravellersDilemma,
    "beauty_contest": BeautyContest,
}
"""Family → its class. The schema with the family's name lists its keys."""


def load_number_game(file: str | Path, name: str) -> NumberGame:
    """Read and check a game file, and scale its amounts if `name` has a scale.

    Errors: UserError names the file, the key and the allowed values.
    """
    document = read_document(file, "game")
    family = document.get("family") if isinstance(document, dict) else None
    if family not in list(FAMILIES):
        raise UserError(f"{file}: family: {family!r} is not allowed (allowed: {', '.join(FAMILIES)})")
    check(document, family, str(file))
    parsed = parse_name(name)
    if parsed.order or parsed.members:
        raise UserError(f"game '{name}': {file} has no payoffs to order or to count (allowed: {parsed.stem})")
    return FAMILIES[family].read(document, name, str(file))


CHOICE, NUMBER = "choice", "number"

LOADERS = {CHOICE: load_game, NUMBER: load_number_game}
"""Kind → the function that reads and checks a game file."""


def kind_of(file: str | Path) -> str:
    """The kind of a game file; `choice` if the file has no such key. Errors: UserError for an unknown kind."""
    try:
        document = read_document(file, "game")
    except UserError:  # the loader's to say
        document = None
    kind = document.get("kind", CHOICE) if isinstance(document, dict) else CHOICE
    if kind not in LOADERS:
        raise UserError(f"{file}: kind: {kind!r} is not allowed (allowed: {', '.join(LOADERS)})")
    family = document.get("family") if isinstance(document, dict) else None
    if kind == CHOICE and isinstance(family, str) and family in FAMILIES:
        raise UserError(f"{file}: kind: in {family} a number is named (write `kind: {NUMBER}`)")
    return kind


def context_folder(file: str | Path, name: str) -> str:
    """The folder in resources/ with the contexts for the game's number of players. Errors: as the game's loader."""
    return load_number_game(file, name).contexts if kind_of(file) == NUMBER else "contexts"
