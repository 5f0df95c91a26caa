"""What the payoffs of a game say in which all players name a number at the same time.

Equilibria and optima are looked for among the outcomes in which all name the same: there are as many of them as
numbers, where there are 101 ** 10 outcomes of a beauty contest among ten. Whether such an outcome is an optimum is
judged against all outcomes, and whether a number is dominated against all that others may name, as far as they can be
gone through (tom/games/action_profiles.py).
Source: Osborne and Rubinstein, A Course in Game Theory (1994), chapters 2 and 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tom.games.action_profiles import MOST, profiles
from tom.games.dominance import weakly_dominated
from tom.games.equilibria import largest
from tom.games.number_game import SymmetricGame


def symmetric_equilibria(game: SymmetricGame) -> list[int]:
    """Numbers that, named by all, no player would leave alone."""
    return [number for number in game.choices() if number in best_replies(game, number)]


def best_replies(game: SymmetricGame, named: int) -> list[int]:
    """What pays a player most when all others name the same number."""
    others = (named,) * (game.players - 1)
    return largest({mine: game.payoff(mine, others) for mine in game.choices()})


@dataclass(frozen=True)
class Optima:
    """Numbers that, named by all, no outcome improves on, and of these those with the largest sum of payoffs.

    against: which outcomes were gone through (tom/games/action_profiles.py).
    """

    pareto: list[int]
    social: list[int]
    against: str


@dataclass(frozen=True)
class PayoffTable:
    """A player's payoffs, shape (numbers, what others name); against: which of that was gone through."""

    payoffs: np.ndarray
    against: str


def common_optima(game: SymmetricGame) -> Optima | None:
    """Against every outcome, or those of two different numbers where there are too many; None where these are too many.

    An outcome improves on another if it is as good for every player and better for one.
    """
    outcomes = profiles(game.choices(), game.players, MOST // game.players)
    if outcomes is None:
        return None
    named = outcomes.named
    payoffs = np.stack([game.payoff(named[who], np.delete(named, who, axis=0)) for who in range(game.players)])
    worst, best, total = payoffs.min(axis=0), payoffs.max(axis=0), payoffs.sum(axis=0)
    alike = {number: game.payoff(number, (number,) * (game.players - 1)) for number in game.choices()}
    rounding = 1e-9 * max(1.0, np.abs(payoffs).max())

    def improved(payoff: float) -> bool:
        return bool(((worst >= payoff - rounding) & (best > payoff + rounding)).any())

    return Optima(
        [number for number, payoff in alike.items() if not improved(payoff)],
        [number for number, payoff in alike.items() if game.players * payoff >= total.max() - game.players * rounding],
        outcomes.which,
    )


def payoff_table(game: SymmetricGame, numbers: Sequence[int]) -> PayoffTable | None:
    """Of these numbers, all of which the others may name as well; None if it would be too large."""
    others = profiles(numbers, game.players - 1, MOST // len(numbers))
    if others is None:
        return None
    payoffs = game.payoff(np.array(numbers)[:, None], others.named[:, None, :])
    return PayoffTable(payoffs.astype(float), others.which)


def eliminated(game: SymmetricGame, payoffs: np.ndarray) -> tuple[list[int], int]:
    """What is left when all take out what is weakly dominated, again and again, and after how many rounds.

    Everything that is dominated goes in the same round; other orders may leave something else. payoffs: of all numbers.
    """
    numbers, rounds = list(game.choices()), 0
    while (dominated := weakly_dominated(payoffs)).any():
        numbers = [number for number, out in zip(numbers, dominated, strict=True) if not out]
        payoffs = payoff_table(game, numbers).payoffs
        rounds += 1
    return numbers, rounds
