"""The two forms of games in which a number is named, as far as their structure goes (tom/structure).

Payoffs are in the unit of the game, dollars in all that are shipped.
"""

from typing import Protocol


class NumberGame(Protocol):
    """What every such game has.

    question: the file of resources/numbers that asks for its number; contexts: the folder below resources/ whose
    contexts speak of its number of players.
    """

    name: str
    family: str
    players: int
    question: str
    contexts: str

    def choices(self) -> range:
        """What the asked player may name."""

    def fields(self) -> dict[str, str]:
        """What a question's templates may hold, besides the situation."""


class SymmetricGame(NumberGame, Protocol):
    """Every player names a number at the same time, and all are alike."""

    def payoff(self, mine: int, others: tuple[int, ...]) -> float:
        """Of a player who names `mine`; others: of the players - 1 others. Any of them may be an array of numbers."""


class SequentialGame(NumberGame, Protocol):
    """One player moves, the other replies knowing the move. One of the two is asked.

    role: who. Of the second, a number is a whole plan of replies.
    """

    role: str
    asks_first: bool

    def moves(self) -> range:
        """The first player's moves that the second may have to reply to."""

    def replies(self, move: int) -> range:
        """The second player's replies to a move."""

    def planned(self, number: int, move: int) -> int:
        """The reply to a move that the second player has planned with its number."""

    def payoffs(self, move: int, reply: int) -> tuple[float, float]:
        """Of the first and of the second player."""
