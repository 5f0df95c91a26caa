"""How far the numbers that a student names are from its teacher's, and how much of that gap tuning closed.

There are two distances, both means over cells: between the mean numbers, and between the whole distributions (the earth
mover's distance). Two predictors need no student: uniform (all numbers equally often) and middle (always the middle
number). Measures are those of tom/evaluation/aligned_counts.py: in the measure `exact` the teacher's numbers are exact
too where its engine gives their probabilities.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from tom.core.frames import frame_of, table_schema
from tom.core.roles import BASE, TEACHER
from tom.evaluation.aligned_counts import EXACT, SAMPLED
from tom.evaluation.alignment import NO_GAP, Gap, closed_interval, mean_gap
from tom.evaluation.number_counts import Cell, Numbers
from tom.statistics.divergences import earth_movers
from tom.statistics.intervals import symmetric
from tom.statistics.resampling import Uncertainty

UNIFORM, MIDDLE = "uniform", "middle"


@dataclass(frozen=True)
class Shares:
    """Shares of the numbers in one cell, (numbers,), and the replies that they are of; replies None: known exactly."""

    shares: np.ndarray
    replies: int | None

    def redrawn(self, draws: int, generator: np.random.Generator) -> np.ndarray:
        """(draws, numbers): shares of multinomial resamples; if known exactly (1, numbers), the shares themselves."""
        if self.replies is None:
            return self.shares[np.newaxis]
        return generator.multinomial(self.replies, self.shares, size=draws) / self.replies


def mean_distance(teacher: np.ndarray, other: np.ndarray) -> np.ndarray:
    """|difference of the mean numbers|, (...), in steps; arguments: (..., numbers) shares."""
    return np.abs((teacher - other) @ np.arange(teacher.shape[-1]))


QUANTITIES = {"mean": mean_distance, "distribution": earth_movers}
"""What is compared → the distance between the shares of two models."""


def shares_of(given: Numbers, measure: str) -> Shares:
    """The exact shares in the measure `exact`, else the observed ones, which need at least one readable reply."""
    if measure == EXACT:
        return Shares(given.exact, None)
    return Shares(given.shares(), int(given.counts.sum()))


def middle_of(amounts: int) -> np.ndarray:
    """(amounts,): all mass on the middle one of so many numbers, or half on each of the two middle ones."""
    shares = np.zeros(amounts)
    shares[(amounts - 1) // 2] += 0.5
    shares[amounts // 2] += 0.5
    return shares


def predictors(cell: dict[str, Numbers], measure: str) -> dict[str, Shares]:
    """Predictor → shares in one cell: the students, uniform and middle. cell: model → numbers."""
    amounts = cell[TEACHER].counts.size
    students = {model: shares_of(given, measure) for model, given in cell.items() if model != TEACHER}
    return students | {
        UNIFORM: Shares(np.full(amounts, 1 / amounts), None),
        MIDDLE: Shares(middle_of(amounts), None),
    }


def cells_answered(counted: dict[str, dict[Cell, Numbers]]) -> dict[Cell, dict[str, Numbers]]:
    """Cell → model → numbers, of the cells with a readable reply of every model; none without a teacher."""
    if TEACHER not in counted:
        return {}
    cells = {cell: {model: found[cell] for model, found in counted.items()} for cell in counted[TEACHER]}
    return {cell: models for cell, models in cells.items() if all(given.counts.sum() for given in models.values())}


def measures_of(cells: dict[Cell, dict[str, Numbers]]) -> list[str]:
    """`sampled`, and `exact` if every student's probabilities are known in every cell."""
    students = [given for models in cells.values() for model, given in models.items() if model != TEACHER]
    return [SAMPLED, *([EXACT] if all(given.exact is not None for given in students) else [])]


def teachers_answers(cells: dict[Cell, dict[str, Numbers]], measure: str) -> str:
    """One of ANSWERS: exact in the measure `exact`, if the teacher's probabilities are known in every cell."""
    known = all(models[TEACHER].exact is not None for models in cells.values())
    return EXACT if measure == EXACT and known else SAMPLED


def cell_gaps(
    cell: Cell,
    models: dict[str, Numbers],
    measure: str,
    teacher_answers: str,
    uncertainty: Uncertainty,
    names: tuple[str, ...],
) -> dict[str, dict[str, Gap]]:
    """Quantity → predictor → gap in one cell. names: of the generators, in addition to cell and model."""
    generator = uncertainty.generator(*names, *cell, TEACHER)
    teacher = shares_of(models[TEACHER], teacher_answers)
    teacher_draws = teacher.redrawn(uncertainty.draws, generator)
    gaps: dict[str, dict[str, Gap]] = {quantity: {} for quantity in QUANTITIES}
    for predictor, other in predictors(models, measure).items():
        draws = other.redrawn(uncertainty.draws, uncertainty.generator(*names, *cell, predictor))
        for quantity, distance in QUANTITIES.items():
            estimate = float(distance(teacher.shares, other.shares))
            gaps[quantity][predictor] = Gap(estimate, distance(teacher_draws, draws))
    return gaps


def gap_rows(gaps: dict[str, Gap], uncertainty: Uncertainty, keys: dict) -> list[dict]:
    """Rows of one quantity and level: one for each predictor, and `tuned` for the mean over tuned students."""
    tuned = [gap for name, gap in gaps.items() if name.startswith("tuned")]
    rows = []
    for predictor, gap in (gaps | {"tuned": mean_gap(tuned)}).items():
        low, high = symmetric(gap.estimate, gap.draws, uncertainty.confidence)
        row = keys | {"predictor": predictor, "gap": gap.estimate, "gap_low": max(low, 0.0), "gap_high": high}
        if predictor != BASE:
            closed = closed_interval(gap, gaps[BASE], uncertainty.confidence, float("nan"))
            row |= dict(zip(("gap_closed", "low", "high"), closed, strict=True))
            row["not_estimated"] = None if gaps[BASE].estimate > 0 else NO_GAP
        rows.append(row | {"confidence": uncertainty.confidence})
    return rows


def gap_table(
    counted: dict[str, dict[Cell, Numbers]], uncertainty: Uncertainty, split: str, names: tuple[str, ...] = ()
) -> pl.DataFrame:
    """The table: rows for each cell and for the split; none where no cell has a readable reply of every model.

    counted: model → cell → numbers; teacher, base and students whose names begin with `tuned`. names: seed the draws.
    """
    cells = cells_answered(counted)
    rows = []
    for measure in measures_of(cells) if cells else []:
        streams = (*names, split, measure)
        answers = teachers_answers(cells, measure)
        found = {
            cell: cell_gaps(cell, models, measure, answers, uncertainty, streams) for cell, models in cells.items()
        }
        for quantity in QUANTITIES:
            keys = {"split": split, "measure": measure, "teacher_answers": answers, "quantity": quantity}
            for (game, context), gaps in found.items():
                level = {"level": "cell", "game": game, "context": context}
                rows += gap_rows(gaps[quantity], uncertainty, keys | level)
            whole = {
                predictor: mean_gap([gaps[quantity][predictor] for gaps in found.values()])
                for predictor in next(iter(found.values()))[quantity]
            }
            rows += gap_rows(whole, uncertainty, keys | {"level": "split"})
    return frame_of(rows, table_schema("number_gaps"))
