"""A game file of the kind `number`, by its family."""

from pathlib import Path

from tom.asking.games import split_order
from tom.documents import check, read_document
from tom.errors import BadInput
from tom.number_games.beauty_contest import BeautyContest
from tom.number_games.dictator import Dictator
from tom.number_games.forms import NumberGame
from tom.number_games.public_goods import PublicGoods
from tom.number_games.travellers_dilemma import TravellersDilemma
from tom.number_games.trust import Trust
from tom.number_games.ultimatum import Ultimatum

FAMILIES = {
    "public_goods": PublicGoods,
    "dictator": Dictator,
    "ultimatum": Ultimatum,
    "trust": Trust,
    "travellers_dilemma": TravellersDilemma,
    "beauty_contest": BeautyContest,
}
"""Family → its class; the schema of its name has its keys."""


def load_number_game(file: str | Path, name: str) -> NumberGame:
    """Read a game file, check it, and scale what is at stake if `name` says so.

    Errors: BadInput names the file, the key and what is allowed there.
    """
    document = read_document(file, "game")
    family = document.get("family") if isinstance(document, dict) else None
    if family not in list(FAMILIES):
        raise BadInput(f"{file}: family: {family!r} is not allowed (allowed: {', '.join(FAMILIES)})")
    check(document, family, str(file))
    stem, order = split_order(name)
    if order:
        raise BadInput(f"game '{name}': {file} has no payoffs to order (allowed: {stem})")
    return FAMILIES[family].read(document, name, str(file))
