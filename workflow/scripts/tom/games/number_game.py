"""Interfaces of games in which players name a number: simultaneous (symmetric) and sequential games.

Payoffs are in dollars.
"""

from typing import Protocol


class NumberGame(Protocol):
    """A game in which players name a number.

    question: the file in resources/numbers that asks for the number. contexts: the folder in resources/ with the
    contexts for its number of players.
    """

    name: str
    family: str
    players: int
    question: str
    contexts: str

    def choices(self) -> range:
        """The numbers that the asked player may name."""

    def fields(self) -> dict[str, str]:
        """The fields for the templates of a question, besides the situation."""


class SymmetricGame(NumberGame, Protocol):
    """A simultaneous game in which all players have the same choices and payoffs."""

    def payoff(self, mine: int, others: tuple[int, ...]) -> float:
        """The payoff of a player who names `mine` while the others name `others`: numbers, or arrays that broadcast."""


class SequentialGame(NumberGame, Protocol):
    """A game in which one player moves and the other replies, knowing the move. One of the two is asked.

    role: the asked player's. asks_first: whether it moves first. If it replies, its number is a plan for every move.
    """

    role: str
    asks_first: bool

    def moves(self) -> range:
        """The first player's moves that the second player may have to reply to."""

    def replies(self, move: int) -> range:
        """The second player's replies to a move."""

    def planned(self, number: int, move: int) -> int:
        """The reply to a move under the plan that the second player's number stands for."""

    def payoffs(self, move: int, reply: int) -> tuple[float, float]:
        """The payoffs of the first and of the second player."""
