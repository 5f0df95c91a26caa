"""The four payoffs of one player, and the orders that they can have.

Families are defined by the order of the payoffs, as in Robinson and Goforth, The Topology of the 2x2 Games (2005).
Names: Lorè, Ilami, Heydari (arXiv 2408.05241, section 3) for four of them, and else Bruns, Names for Games (2015), who
calls snowdrift chicken and the prisoner's delight concord.
"""

from itertools import permutations
from typing import NamedTuple

from tom.games.rescaling import Rescaling

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


class Payoffs(NamedTuple):
    """One player's points, in its own frame: tom/games/game.py says which outcome each belongs to."""

    T: float
    R: float
    P: float
    S: float

    def of(self, mine_first: bool, theirs_first: bool) -> float:
        """The points in an outcome: whether this player, and whether the other, takes its first action."""
        if mine_first:
            return self.R if theirs_first else self.S
        return self.T if theirs_first else self.P

    def rescaled(self, rescaling: Rescaling) -> "Payoffs":
        """Each payoff rescaled."""
        return Payoffs(*map(rescaling.of, self))

    def exchanged(self) -> "Payoffs":
        """The same points with the names of the two actions exchanged, for both players."""
        return Payoffs(T=self.S, R=self.P, P=self.R, S=self.T)
