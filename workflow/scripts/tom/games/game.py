"""Symmetric 2x2 games, given by their payoffs T, R, P and S.

Source: the four games are those of Lorè, Ilami, Heydari (arXiv 2408.05241, section 3). Families are defined by the
order of the payoffs, as in Robinson and Goforth, The Topology of the 2x2 Games (2005). The other names are those of
Bruns, Names for Games (2015), who calls snowdrift chicken and the prisoner's delight concord.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise, permutations
from pathlib import Path

from tom.core.errors import UserError
from tom.core.yaml_files import read_checked
from tom.games.rescaling import split_rescaling

FAMILIES = {
    "prisoners_dilemma": "TRPS",
    "snowdrift": "TRSP",
    "stag_hunt": "RTPS",
    "prisoners_delight": "RTSP",
    "assurance": "RPTS",
    "compromise": "TPSR",
    "coordination": "RPST",
    "deadlock": "TPRS",
    "harmony": "RSTP",
    "hero": "TSPR",
    "leader": "TSRP",
    "peace": "RSPT",
}
"""Family → its payoffs from the largest to the smallest. Swapping cooperation and defection (T with S, R with P) turns
these twelve orders into the other twelve, which have no names of their own."""

ORDINAL = "ordinal"
ORDINALS = {f"{ORDINAL}_{''.join(order).lower()}": "".join(order) for order in permutations("TRPS")}
"""Name → order for all 24 strict orders, e.g. `ordinal_trps` for the prisoner's dilemma."""

ORDER_MARK = "-"


@dataclass(frozen=True)
class Game:
    """A symmetric 2x2 game. Payoffs are the row player's, in points.

    T: temptation, defect against a cooperator. R: reward, both cooperate. P: punishment, both defect. S: sucker's
    payoff, cooperate against a defector.
    """

    name: str
    family: str
    T: float
    R: float
    P: float
    S: float

    def points(self, mine_cooperates: bool, theirs_cooperates: bool) -> tuple[float, float]:
        """The points of the row player and of the column player in an outcome."""
        table = {
            (True, True): (self.R, self.R),
            (True, False): (self.S, self.T),
            (False, True): (self.T, self.S),
            (False, False): (self.P, self.P),
        }
        return table[mine_cooperates, theirs_cooperates]


def split_order(name: str) -> tuple[str, str | None]:
    """Split a game's name into its file and its order: `ordinal-tspr-x2` → (`ordinal`, `TSPR`).

    The order is None if the name has none. Errors: UserError for an order that is not a permutation of t, r, p, s.
    """
    stem, mark, letters = split_rescaling(name)[0].partition(ORDER_MARK)
    if mark and f"{ORDINAL}_{letters}" not in ORDINALS:
        raise UserError(
            f"game '{name}': '{letters}' is no order of t, r, p and s (write e.g. '{stem}{ORDER_MARK}trps')"
        )
    return stem, letters.upper() or None


def family_of(order: str) -> str:
    """The family with this order of payoffs, e.g. `TRPS`; `ordinal_` and its letters if it has no name of its own."""
    return {letters: family for family, letters in FAMILIES.items()}.get(order, f"{ORDINAL}_{order.lower()}")


def check_family(family: str, payoffs: dict[str, float], file: str) -> None:
    """Raise UserError unless the payoffs have the strict order of the family."""
    order = (FAMILIES | ORDINALS)[family]
    values = [payoffs[letter] for letter in order]
    if not all(math.inf > high > low > -math.inf for high, low in pairwise(values)):
        found = ", ".join(f"{letter} = {payoffs[letter]:g}" for letter in "TRPS")
        raise UserError(f"{file}: payoffs: {family} needs {' > '.join(order)}, found {found}")


def load_games(files: list[Path], names: Iterable[str]) -> list[Game]:
    """Load the games with these names, each from the file with the name's stem. Errors: as load_game."""
    stems = {file.stem: file for file in files}
    return [load_game(stems[split_order(name)[0]], name) for name in names]


def load_game(file: str | Path, name: str) -> Game:
    """Read a game file, check the order of its payoffs, and rescale them as `name` says.

    A file of the family `ordinal` has four payoffs from best to worst, which the order in `name` assigns to T, R, P, S.
    Errors: UserError names the file, the key and the allowed values.
    """
    document = read_checked(file, "game")
    family, payoffs = _family_and_payoffs(document, name, str(file))
    check_family(family, payoffs, str(file))
    _, rescaling = split_rescaling(name)
    payoffs = {letter: rescaling.of(value) for letter, value in payoffs.items()}
    # With a scale far below the shift, payoffs can round to the same number in a prompt.
    check_family(family, payoffs, f"{file}: game '{name}'")
    return Game(name=name, family=family, **payoffs)


def _family_and_payoffs(document: dict, name: str, file: str) -> tuple[str, dict[str, float]]:
    """The family and the payoffs of a game file, with the order in the game's name applied."""
    stem, order = split_order(name)
    if (document["family"] == ORDINAL) != (order is not None):
        allowed = f"{stem}{ORDER_MARK}trps and the like" if order is None else stem
        raise UserError(f"game '{name}': {file} is of the family {document['family']} (allowed: {allowed})")
    if order is None:
        return document["family"], document["payoffs"]
    return family_of(order), dict(zip(order, document["ranked"], strict=True))
