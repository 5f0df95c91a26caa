"""Predictors that need no student: what a student learns should beat them.

chance: 0.5 everywhere. constant: one propensity everywhere. offset: the base, moved by one shift. nearest:
NEAREST_CELL. They are fitted on the in-sample cells alone, by least absolute deviation, which is what the gap measures.
Intervals take the fitted values as given.
"""

from dataclasses import dataclass

import numpy as np

from tom.evaluation.aligned_counts import AlignedCounts
from tom.games.rescaling import split_rescaling

CHANCE = 0.5
BASELINES = ("chance", "constant", "offset", "nearest")
NEAREST_CELL = (
    "the teacher's mean propensity in the most similar other taught cells: the same game and context at other payoffs,"
    " else the other games of the context, else its game in other contexts, else all of them"
)
"""What summary, model card, page, tables and documentation say of the nearest cell; a test compares them."""


@dataclass(frozen=True)
class Baselines:
    """The baselines of some cells.

    fitted: the propensity of chance and of constant, and the shift of offset. nearest: (cells,) propensities.
    """

    fitted: dict[str, float]
    nearest: np.ndarray

    @classmethod
    def fit(cls, part: AlignedCounts, reference: AlignedCounts) -> "Baselines":
        """The baselines of a part's cells, fitted on the in-sample cells of the reference; nan if that has none."""
        if not reference.cells:
            fitted = {"chance": CHANCE} | dict.fromkeys(("constant", "offset"), float("nan"))
            return cls(fitted, np.full(len(part.cells), np.nan))
        teacher, base = reference.teacher.rates(), reference.base.rates()
        fitted = {"chance": CHANCE, "constant": fit_constant(teacher), "offset": fit_offset(teacher, base)}
        return cls(fitted, nearest_cell(part.cells, reference.cells, teacher))

    def predictions(self, base: np.ndarray) -> dict[str, np.ndarray]:
        """Baseline → propensities, (..., cells) for offset and else (cells,). base: the base's, (..., cells)."""
        everywhere = {name: np.full_like(self.nearest, self.fitted[name]) for name in ("chance", "constant")}
        return everywhere | {"offset": shifted(base, self.fitted["offset"]), "nearest": self.nearest}


def fit_constant(teacher: np.ndarray) -> float:
    """The one propensity that is nearest to a teacher's (cells,) propensities: their median."""
    return float(np.median(teacher))


def fit_offset(teacher: np.ndarray, base: np.ndarray) -> float:
    """The shift s that brings clip(base + s, 0, 1) nearest to the teacher; both (cells,), of propensities.

    The sum of distances is piecewise linear in s. It bends only where a cell meets its teacher or begins to be
    clipped, so one of these places is optimal. Among equally good ones the smallest |s| is taken.
    """
    places = np.unique(np.concatenate([[0.0], teacher - base, -base, 1 - base]))
    places = places[np.argsort(np.abs(places), kind="stable")]
    # Rounded, so that sums that differ by floating-point noise alone count as equal.
    sums = np.abs(teacher - shifted(base, places[:, np.newaxis])).sum(axis=-1).round(12)
    return float(places[np.argmin(sums)])


def shifted(base: np.ndarray, shift) -> np.ndarray:
    """The base with all its propensities moved by a shift and clipped to 0 to 1."""
    return np.clip(base + shift, 0, 1)


def nearest_cell(cells: list[tuple[str, str]], taught: list[tuple[str, str]], teacher: np.ndarray) -> np.ndarray:
    """(cells,): NEAREST_CELL of each.

    cells, taught: (game, context); teacher: (taught,) propensities. A cell of the same context is nearer than one of
    the same game, since the teacher varies more between contexts. A game with rescaled payoffs counts as the same game.
    A taught cell is left out of its own prediction. nan where no cell is left.
    """
    taught_games, taught_contexts = _names(taught)
    found = []
    for own, game, context in zip(cells, *_names(cells), strict=True):
        steps = 2.0 * (taught_contexts != context) + (taught_games != game)
        steps[[other == own for other in taught]] = np.inf
        near = np.isfinite(steps) & (steps == steps.min())
        found.append(teacher[near].mean() if near.any() else np.nan)
    return np.array(found)


def _names(cells: list[tuple[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    """(cells,): the game of each cell, without its scale and shift, and its context."""
    return np.array([split_rescaling(game)[0] for game, _ in cells]), np.array([context for _, context in cells])
