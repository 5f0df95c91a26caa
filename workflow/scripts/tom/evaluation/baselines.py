"""Predictors that need no student: whatever is learnt should beat them.

Fitted by least absolute deviation, which is what the gap measures, on the in-sample cells alone. Their intervals
take what was fitted as given.
"""

import numpy as np

from tom.games.rescaling import split_rescaling

CHANCE = 0.5
BASELINES = ("chance", "constant", "offset", "nearest")


def fit_constant(teacher: np.ndarray) -> float:
    """The one propensity nearest to a teacher's (cells,) propensities: their median."""
    return float(np.median(teacher))


def fit_offset(teacher: np.ndarray, base: np.ndarray) -> float:
    """The shift s that brings clip(base + s, 0, 1) nearest to the teacher; both (cells,), of propensities.

    The sum of distances is piecewise linear in s and bends only where a cell meets its teacher or begins to be
    clipped, so the best of those places is the best of all. Of equals the smallest |s| is taken.
    """
    places = np.unique(np.concatenate([[0.0], teacher - base, -base, 1 - base]))
    places = places[np.argsort(np.abs(places), kind="stable")]
    # Rounded so that equals that differ by floating-point noise stay equals.
    sums = np.abs(teacher - shifted(base, places[:, np.newaxis])).sum(axis=-1).round(12)
    return float(places[np.argmin(sums)])


def shifted(base: np.ndarray, shift) -> np.ndarray:
    """The base with all its propensities moved by a shift, within 0 and 1."""
    return np.clip(base + shift, 0, 1)


def nearest_cell(cells: list[tuple[str, str]], taught: list[tuple[str, str]], teacher: np.ndarray) -> np.ndarray:
    """(cells,): the teacher's propensity in the nearest other in-sample cell, the mean over equally near ones.

    cells, taught: (game, context); teacher: (taught,) propensities. The same context is nearer than the same game
    (the teacher varies more between contexts), and a game with rescaled payoffs is the same game. A cell that
    was taught is left out of its own prediction. nan where no cell is left.
    """
    found = []
    for game, context in cells:
        steps = np.array(
            [
                2 * (other_context != context) + (split_rescaling(other_game)[0] != split_rescaling(game)[0])
                if (other_game, other_context) != (game, context)
                else np.inf
                for other_game, other_context in taught
            ]
        )
        near = np.isfinite(steps) & (steps == steps.min())
        found.append(teacher[near].mean() if near.any() else np.nan)
    return np.array(found)
