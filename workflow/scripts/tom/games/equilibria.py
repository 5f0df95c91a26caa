"""Analysis of a 2x2 game: equilibria, dominance, efficiency and risk dominance.

An outcome is (the asked player takes its first action, the other takes its first action). In a game with a name the
first action is to cooperate.
Source: Osborne and Rubinstein, A Course in Game Theory (1994), chapters 2 and 3; Harsanyi and Selten, A General Theory
of Equilibrium Selection in Games (1988), for risk dominance.
"""

from itertools import product
from typing import TypeVar

from tom.games.game import Game

Key = TypeVar("Key")
Outcome = tuple[bool, bool]


def argmax(values: dict[Key, float]) -> list[Key]:
    """All keys of the largest value. Values that differ only by rounding count as equal."""
    most = max(values.values())
    return [key for key, value in values.items() if most - value <= 1e-9 * max(1.0, abs(most))]


OUTCOMES: tuple[Outcome, ...] = tuple(product((True, False), repeat=2))


def pure_equilibria(game: Game) -> list[Outcome]:
    """The outcomes from which neither player gains by deviating alone; with ties, several may pay a player the same."""
    return [
        (mine, theirs)
        for mine, theirs in OUTCOMES
        if game.points(mine, theirs)[0] >= game.points(not mine, theirs)[0]
        and game.points(mine, theirs)[1] >= game.points(mine, not theirs)[1]
    ]


def mixed_equilibrium(game: Game) -> float | None:
    """The probability of the asked player's first action in the mixed equilibrium; None if there is none.

    It makes the other player indifferent: p R + (1 - p) S = p T + (1 - p) P, with the other's payoffs.
    """
    losses = _losses(game)
    if any(together * apart <= 0 for together, apart in losses):
        return None
    together, apart = losses[1]
    return apart / (together + apart)


def dominant_action(game: Game) -> bool | None:
    """The strictly dominant action: True for the first, False for the second, None if neither dominates."""
    gains = [game.points(True, theirs)[0] - game.points(False, theirs)[0] for theirs in (True, False)]
    if min(gains) > 0 or max(gains) < 0:
        return gains[0] > 0
    return None


def pareto_optimal(game: Game) -> list[Outcome]:
    """The outcomes that no other outcome Pareto-improves on."""
    return [outcome for outcome in OUTCOMES if not any(_improves(game, other, outcome) for other in OUTCOMES)]


def social_optima(game: Game) -> list[Outcome]:
    """The outcomes with the largest sum of points."""
    return argmax({outcome: sum(game.points(*outcome)) for outcome in OUTCOMES})


def risk_dominant(game: Game) -> Outcome | None:
    """The risk-dominant one of two equilibria in which both players take the first, or both the second action.

    The product of what each player loses by deviating from it alone is the larger one. None unless both outcomes are
    strict equilibria, or if the products are equal. Where both equilibria have one player take its first action and the
    other its second, the players of a symmetric game face the same risk, so neither is risk dominant.
    """
    losses = _losses(game)
    together, apart = losses[0][0] * losses[1][0], losses[0][1] * losses[1][1]
    if min(map(min, losses)) <= 0 or together == apart:
        return None
    return (True, True) if together > apart else (False, False)


def _losses(game: Game) -> list[tuple[float, float]]:
    """Of the asked player, then of the other: the loss by deviating alone where both take the first, or the second."""
    return [(payoffs.R - payoffs.T, payoffs.P - payoffs.S) for payoffs in (game.own, game.other or game.own)]


def _improves(game: Game, other: Outcome, outcome: Outcome) -> bool:
    """Whether `other` is at least as good as `outcome` for both players and better for one."""
    better, now = game.points(*other), game.points(*outcome)
    return better != now and all(new >= old for new, old in zip(better, now, strict=True))
