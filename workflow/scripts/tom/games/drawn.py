"""Game sets that are drawn at random: as many games as a config asks for, each known by its number.

Member n depends on the file and n alone, and is the same on every machine: its payoffs are read off the SHA-256 of the
seed, the number and the try. A try that the file does not allow (a tie, an order that is not listed) is drawn again.
"""

import hashlib
from dataclasses import dataclass
from itertools import count

from tom.core.errors import UserError
from tom.games.payoffs import FAMILIES, ORDINALS, Payoffs

BYTES = 8
"""Of the hash, for each payoff. The remainder of 64 bits favours no payoff by more than one part in 10 ** 14."""


@dataclass(frozen=True)
class DrawnGames:
    """A seeded generator of games.

    low, high: payoffs are whole points from low to high, all equally likely. symmetric: whether both players have the
    same payoffs. ties: whether a player may have equal payoffs. orders: of the payoffs T, R, P and S that are drawn
    from, each with R > P; None for all.
    """

    seed: int
    low: int
    high: int
    symmetric: bool
    ties: bool
    orders: frozenset[str] | None

    @classmethod
    def read(cls, document: dict, file: str) -> "DrawnGames":
        """A generator from a checked document. Errors: UserError if it could draw no game."""
        low, high = document["payoffs"]["low"], document["payoffs"]["high"]
        ties, orders = document.get("ties", False), document.get("orders")
        if high - low < (1 if ties else 3):
            raise UserError(
                f"{file}: payoffs: from {low} to {high} there are too few numbers for four payoffs"
                f" (allowed: high at least {low + (1 if ties else 3)})"
            )
        if orders and ties:
            raise UserError(f"{file}: ties: an order has none (allowed: false, or no orders)")
        return cls(
            seed=document["seed"],
            low=low,
            high=high,
            symmetric=document["symmetric"],
            ties=ties,
            orders=frozenset(_with_cooperation((FAMILIES | ORDINALS)[name]) for name in orders) if orders else None,
        )

    def payoffs(self, number: int) -> tuple[Payoffs, Payoffs | None]:
        """Row and column player's payoffs of a member; None for the column player of a symmetric game.

        In a symmetric game R is at least P: if not, its two actions change names.
        """
        for attempt in count():
            row = Payoffs(*self._points(number, attempt, "row"))
            column = None if self.symmetric else Payoffs(*self._points(number, attempt, "column"))
            if self.symmetric and row.R < row.P:
                row = row.exchanged()
            if all(self._allows(payoffs) for payoffs in (row, column) if payoffs):
                return row, column

    def _points(self, number: int, attempt: int, player: str) -> list[int]:
        digest = hashlib.sha256(f"{self.seed}/{number}/{attempt}/{player}".encode()).digest()
        parts = (digest[start : start + BYTES] for start in range(0, 4 * BYTES, BYTES))
        return [self.low + int.from_bytes(part, "big") % (self.high - self.low + 1) for part in parts]

    def _allows(self, payoffs: Payoffs) -> bool:
        if self.ties:
            return True
        if len(set(payoffs)) < len(payoffs):
            return False
        order = "".join(sorted(payoffs._fields, key=lambda letter: -getattr(payoffs, letter)))
        return self.orders is None or order in self.orders


def _with_cooperation(order: str) -> str:
    """The order, or where it has P > R, that of the same games with the names of their actions exchanged."""
    return order if order.index("R") < order.index("P") else order.translate(str.maketrans("TRPS", "SPRT"))
