"""Two-player symmetric games in their T, R, P, S form.

Source: the four games of Lorè, Ilami, Heydari (arXiv 2408.05241, section 3); families by the order of
the payoffs, as in Robinson and Goforth, The Topology of the 2x2 Games (2005).
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tom.documents import read_checked
from tom.errors import BadInput

FAMILIES = {
    "prisoners_dilemma": "TRPS",
    "snowdrift": "TRSP",
    "stag_hunt": "RTPS",
    "prisoners_delight": "RTSP",
}
"""Family → its payoffs from the largest to the smallest."""

SCALE_MARK = "-x"


@dataclass(frozen=True)
class Game:
    """A symmetric 2x2 game; payoffs in points of the row player.

    T: defect against a cooperator. R: both cooperate. P: both defect. S: cooperate against a defector.
    """

    name: str
    family: str
    T: float
    R: float
    P: float
    S: float

    def points(self, mine_cooperates: bool, theirs_cooperates: bool) -> tuple[float, float]:
        """Points of the row and of the column player for one outcome."""
        table = {
            (True, True): (self.R, self.R),
            (True, False): (self.S, self.T),
            (False, True): (self.T, self.S),
            (False, False): (self.P, self.P),
        }
        return table[mine_cooperates, theirs_cooperates]


def split_scale(name: str) -> tuple[str, float]:
    """`stag_hunt-x2` → (`stag_hunt`, 2.0): the game's file and the factor on each of its payoffs."""
    stem, mark, factor = name.partition(SCALE_MARK)
    if not mark:
        return name, 1.0
    try:
        scale = float(factor)
    except ValueError:
        scale = 0.0
    if not 0 < scale < math.inf:
        raise BadInput(f"game '{name}': '{factor}' is no factor above 0 (write e.g. '{stem}{SCALE_MARK}2')")
    return stem, scale


def check_family(family: str, payoffs: dict[str, float], file: str) -> None:
    """Raise BadInput unless the payoffs are strictly ordered as the family says."""
    order = FAMILIES[family]
    values = [payoffs[letter] for letter in order]
    if not all(math.inf > high > low > -math.inf for high, low in pairwise(values)):
        found = ", ".join(f"{letter} = {payoffs[letter]:g}" for letter in "TRPS")
        raise BadInput(f"{file}: payoffs: {family} needs {' > '.join(order)}, found {found}")


def load_game(file: str | Path, name: str) -> Game:
    """Read a game file, check it against its family, and scale it if `name` says so.

    Errors: BadInput names the file, the key and what is allowed there.
    """
    document = read_checked(file, "game")
    check_family(document["family"], document["payoffs"], str(file))
    _, scale = split_scale(name)
    payoffs = {letter: value * scale for letter, value in document["payoffs"].items()}
    return Game(name=name, family=document["family"], **payoffs)
