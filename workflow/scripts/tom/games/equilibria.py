"""Analysis of a symmetric 2x2 game: equilibria, dominance, efficiency and risk dominance.

An outcome is (row cooperates, column cooperates). Payoffs must be strictly ordered, as in every game file, so a player
is never indifferent between two outcomes that differ only in its own action.
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
    """The outcomes from which neither player gains by deviating alone."""
    return [
        (mine, theirs)
        for mine, theirs in OUTCOMES
        if game.points(mine, theirs)[0] > game.points(not mine, theirs)[0]
        and game.points(mine, theirs)[1] > game.points(mine, not theirs)[1]
    ]


def mixed_equilibrium(game: Game) -> float | None:
    """The probability of cooperation in the symmetric mixed equilibrium; None if there is none.

    It makes the other player indifferent: p R + (1 - p) S = p T + (1 - p) P.
    """
    together, apart = game.R - game.T, game.P - game.S
    return apart / (together + apart) if together * apart > 0 else None


def dominant_action(game: Game) -> bool | None:
    """The dominant action: True to cooperate, False to defect, None if neither action dominates."""
    cooperate_against = {
        theirs: game.points(True, theirs)[0] > game.points(False, theirs)[0] for theirs in (True, False)
    }
    return cooperate_against[True] if cooperate_against[True] == cooperate_against[False] else None


def pareto_optimal(game: Game) -> list[Outcome]:
    """The outcomes that no other outcome Pareto-improves on."""
    return [outcome for outcome in OUTCOMES if not any(_improves(game, other, outcome) for other in OUTCOMES)]


def social_optima(game: Game) -> list[Outcome]:
    """The outcomes with the largest sum of points."""
    return argmax({outcome: sum(game.points(*outcome)) for outcome in OUTCOMES})


def risk_dominant(game: Game) -> Outcome | None:
    """The risk-dominant one of the two symmetric equilibria: deviating from it alone costs more than from the other.

    None unless both symmetric outcomes are equilibria, or if both deviations cost the same. In asymmetric equilibria
    the two players face the same risk, so neither is risk dominant.
    """
    together, apart = game.R - game.T, game.P - game.S
    if together <= 0 or apart <= 0 or together == apart:
        return None
    return (True, True) if together > apart else (False, False)


def _improves(game: Game, other: Outcome, outcome: Outcome) -> bool:
    """Whether `other` is at least as good as `outcome` for both players and better for one."""
    better, now = game.points(*other), game.points(*outcome)
    return better != now and all(new >= old for new, old in zip(better, now, strict=True))
