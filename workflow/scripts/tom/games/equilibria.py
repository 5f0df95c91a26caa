"""What the payoffs of a symmetric 2x2 game say: equilibria, dominance, efficiency and risk.

An outcome is (row cooperates, column cooperates). Payoffs must be strictly ordered, as those of every game file are, so
no player is ever indifferent between two outcomes that differ in its own action alone.
Source: Osborne and Rubinstein, A Course in Game Theory (1994), chapters 2 and 3; Harsanyi and Selten, A General Theory
of Equilibrium Selection in Games (1988), for risk dominance.
"""

from itertools import product

from tom.games.game import Game


def largest(values: dict[int, float]) -> list[int]:
    """The keys of the largest value; values that differ by rounding alone are equal."""
    most = max(values.values())
    return [key for key, value in values.items() if most - value <= 1e-9 * max(1.0, abs(most))]


Outcome = tuple[bool, bool]

OUTCOMES: tuple[Outcome, ...] = tuple(product((True, False), repeat=2))


def pure_equilibria(game: Game) -> list[Outcome]:
    """Outcomes that neither player would leave alone."""
    return [
        (mine, theirs)
        for mine, theirs in OUTCOMES
        if game.points(mine, theirs)[0] > game.points(not mine, theirs)[0]
        and game.points(mine, theirs)[1] > game.points(mine, not theirs)[1]
    ]


def mixed_equilibrium(game: Game) -> float | None:
    """Probability of cooperating in the equilibrium in which both players mix; None where there is none.

    Each leaves the other indifferent: p R + (1 - p) S = p T + (1 - p) P.
    """
    together, apart = game.R - game.T, game.P - game.S
    return apart / (together + apart) if together * apart > 0 else None


def dominant_action(game: Game) -> bool | None:
    """Whether to cooperate, if that does not depend on what the other does; None if it does."""
    cooperate_against = {
        theirs: game.points(True, theirs)[0] > game.points(False, theirs)[0] for theirs in (True, False)
    }
    return cooperate_against[True] if cooperate_against[True] == cooperate_against[False] else None


def pareto_optimal(game: Game) -> list[Outcome]:
    """Outcomes than which no other is at least as good for both players and better for one."""
    return [outcome for outcome in OUTCOMES if not any(_improves(game, other, outcome) for other in OUTCOMES)]


def social_optima(game: Game) -> list[Outcome]:
    """Outcomes with the largest sum of points; sums that differ by rounding alone are equal."""
    sums = {outcome: sum(game.points(*outcome)) for outcome in OUTCOMES}
    most = max(sums.values())
    return [outcome for outcome in OUTCOMES if most - sums[outcome] <= 1e-9 * max(1.0, abs(most))]


def risk_dominant(game: Game) -> Outcome | None:
    """The equilibrium, of two that both players choose alike in, from which it costs more to stray.

    None where there are no two such equilibria (two players who choose differently face the same risk), or where
    both cost the same.
    """
    together, apart = game.R - game.T, game.P - game.S
    if together <= 0 or apart <= 0 or together == apart:
        return None
    return (True, True) if together > apart else (False, False)


def _improves(game: Game, other: Outcome, outcome: Outcome) -> bool:
    better, now = game.points(*other), game.points(*outcome)
    return better != now and all(new >= old for new, old in zip(better, now, strict=True))
