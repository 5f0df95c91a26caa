"""Analysis of simultaneous games in which all players have the same choices and payoffs.

Equilibria and optima are searched among the symmetric outcomes, in which all players name the same number: a beauty
contest of ten players has 101 of these, and 101 ** 10 outcomes in all. Optima are compared with all outcomes, and
dominance considers all profiles of the other players. If there are too many of either, a subset stands for them
(tom/games/action_profiles.py).
Source: Osborne and Rubinstein, A Course in Game Theory (1994), chapters 2 and 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tom.games.action_profiles import MAX_PAYOFFS, profiles
from tom.games.dominance import weakly_dominated
from tom.games.equilibria import argmax
from tom.games.number_game import SymmetricGame


def symmetric_equilibria(game: SymmetricGame) -> list[int]:
    """The numbers from which, if all players name them, no player gains by deviating alone."""
    return [number for number in game.choices() if number in best_replies(game, number)]


def best_replies(game: SymmetricGame, named: int) -> list[int]:
    """A player's best replies if all others name the same number."""
    others = (named,) * (game.players - 1)
    return argmax({mine: game.payoff(mine, others) for mine in game.choices()})


@dataclass(frozen=True)
class Optima:
    """The numbers whose symmetric outcome is Pareto optimal, and those whose sum of payoffs is the largest.

    against: the outcomes that they were compared with, ALL or TWO (tom/games/action_profiles.py).
    """

    pareto: list[int]
    social: list[int]
    against: str


@dataclass(frozen=True)
class PayoffTable:
    """A player's payoffs, shape (numbers, profiles of the others). against: which profiles these are, ALL or TWO."""

    payoffs: np.ndarray
    against: str


def common_optima(game: SymmetricGame) -> Optima | None:
    """The optima among symmetric outcomes; None if there are too many outcomes to compare them with.

    An outcome improves on another if it is at least as good for every player and better for one.
    """
    outcomes = profiles(game.choices(), game.players, MAX_PAYOFFS // game.players)
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
    """The payoff table of these numbers, against others who name them too; None if it would be too large."""
    others = profiles(numbers, game.players - 1, MAX_PAYOFFS // len(numbers))
    if others is None:
        return None
    payoffs = game.payoff(np.array(numbers)[:, None], others.named[:, None, :])
    return PayoffTable(payoffs.astype(float), others.which)


def eliminated(game: SymmetricGame, payoffs: np.ndarray) -> tuple[list[int], int]:
    """Iterated elimination of weakly dominated numbers: those that remain, and the number of rounds.

    Each round removes all dominated numbers at once; other orders of elimination can leave other numbers. payoffs: of
    all numbers, shape (numbers, profiles of the others).
    """
    numbers, rounds = list(game.choices()), 0
    while (dominated := weakly_dominated(payoffs)).any():
        numbers = [number for number, out in zip(numbers, dominated, strict=True) if not out]
        payoffs = payoff_table(game, numbers).payoffs
        rounds += 1
    return numbers, rounds
