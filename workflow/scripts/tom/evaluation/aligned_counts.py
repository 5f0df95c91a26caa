"""Counts of teacher, base and tuned students over the same cells, in one view and measure.

Measures: `sampled` takes propensities from observations, `exact` a student's from its engine's probabilities. In the
measure `exact` the teacher's are exact too where its engine gives them. ANSWERS says which of a teacher's answers stand
in a view.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from tom.core.errors import UserError
from tom.core.roles import BASE, TEACHER
from tom.evaluation.propensities import CELL, VIEWS, is_asked_in
from tom.statistics.resampling import Answers, Counted, Known

MEASURES = ("sampled", "exact")
EXACT, SAMPLED, POOLED = ANSWERS = ("exact", "sampled", "pooled")
"""A teacher's answers in a view: exact propensities or observations of the view's orders, or the observations of all
orders that it was asked in, where these are not all of the view's."""


@dataclass(frozen=True)
class AlignedCounts:
    """Teacher, base and tuned students in one view and measure, over the same cells in the same order."""

    cells: list[tuple[str, str]]  # (game, context)
    teacher: Answers
    base: Answers
    tuned: dict[str, Answers]
    unreadable: int = 0  # cells left out because a model gave no readable reply in them
    not_estimated: str | None = None  # why there is no cell, if there is none
    teacher_answers: str = SAMPLED  # one of ANSWERS

    def readable(self) -> "AlignedCounts":
        """The same without the cells in which a model gave no readable reply."""
        models = (self.teacher, self.base, *self.tuned.values())
        kept = np.isfinite([model.rates() for model in models]).all(axis=0)
        return replace(
            self,
            cells=[cell for cell, keep in zip(self.cells, kept, strict=True) if keep],
            teacher=self.teacher.cells(kept),
            base=self.base.cells(kept),
            tuned={name: answers.cells(kept) for name, answers in self.tuned.items()},
            unreadable=int((~kept).sum()),
        )


def answers_of(counts: pl.DataFrame, model: str, orders: tuple[str, ...], measure: str) -> Answers:
    """One model's counts or exact propensities, (cells, orders); cells are sorted by game and context."""
    rows = counts.filter((pl.col("model") == model) & pl.col("order").is_in(orders)).sort(*CELL, "order")
    columns = ("exact",) if measure == "exact" else ("cooperated", "readable")
    rows = rows.with_columns(readable=pl.col("cooperated") + pl.col("defected"))
    arrays = [rows[column].to_numpy().reshape(-1, len(orders)) for column in columns]
    return Known(*arrays) if measure == "exact" else Counted(*arrays)


def teacher_of(counts: pl.DataFrame, orders: tuple[str, ...], measure: str) -> tuple[Answers, str]:
    """The teacher's answers in some orders, and which of ANSWERS they are; cells are sorted by game and context."""
    if not is_asked_in(counts, orders):
        return pooled_answers(counts, TEACHER), POOLED
    own = counts.filter(pl.col("model") == TEACHER, pl.col("order").is_in(orders))
    kind = EXACT if measure == "exact" and own["exact"].null_count() == 0 else SAMPLED
    return answers_of(counts, TEACHER, orders, kind), kind


def pooled_answers(counts: pl.DataFrame, model: str) -> Counted:
    """One model's counts over all its observations, (cells, 1); cells are sorted by game and context."""
    rows = counts.filter(pl.col("model") == model).group_by(CELL).agg(pl.col("cooperated", "defected").sum())
    rows = rows.sort(CELL)
    cooperated, defected = (rows[name].to_numpy()[:, np.newaxis] for name in ("cooperated", "defected"))
    return Counted(cooperated, cooperated + defected)


def available_measures(counts: pl.DataFrame) -> list[str]:
    """`sampled`, and `exact` if every student's engine gives exact propensities."""
    students = counts.filter(pl.col("model") != TEACHER)
    return [measure for measure in MEASURES if measure == "sampled" or students["exact"].null_count() == 0]


def align_counts(counts: pl.DataFrame, tuned: list[str], view: str, measure: str) -> AlignedCounts:
    """The readable cells of a split in one view and measure; none, with the reason, where some model is unreadable."""
    orders = VIEWS[view]
    teacher, answers = teacher_of(counts, orders, measure)
    whole = AlignedCounts(
        cells=counts.filter(pl.col("model") == TEACHER).select(CELL).unique().sort(CELL).rows(),
        teacher=teacher,
        base=answers_of(counts, BASE, orders, measure),
        tuned={model: answers_of(counts, model, orders, measure) for model in tuned},
        teacher_answers=answers,
    )
    part = whole.readable()
    if not part.cells:
        models = {TEACHER: whole.teacher, BASE: whole.base, **whole.tuned}
        silent = [name for name, answers in models.items() if not np.isfinite(answers.rates()).any()]
        reason = f"{' and '.join(silent)} gave no readable reply" if silent else "no cell has readable replies of all"
        return replace(part, not_estimated=reason)
    return part


def require_same_cells(counts: pl.DataFrame, what: str) -> None:
    """Raise UserError unless all models have the teacher's cells, and all students the same orders in each cell."""
    cells = set(counts.filter(pl.col("model") == TEACHER).select(CELL).rows())
    students = counts.filter(pl.col("model") != TEACHER)
    orders = students["order"].unique().sort().to_list()
    for model in students["model"].unique().sort():
        found = set(students.filter(pl.col("model") == model).select(*CELL, "order").rows())
        needed = {(*cell, order) for cell in cells for order in orders}
        if differing := sorted(found ^ needed):
            game, context, order = differing[0]
            where = model if differing[0] in needed else TEACHER
            raise UserError(f"{what}: none of {where} for {game} in {context}, {order}; every model needs every cell")


_MARK = "/"


def mark_groups(groups: Mapping[str, pl.DataFrame | pl.LazyFrame]) -> list[pl.LazyFrame]:
    """The shards of each group of students, with the group's name in front of each model's."""
    marks = {name: pl.format(f"{{}}{_MARK}{{}}", pl.lit(name), "model").alias("model") for name in groups}
    return [shards.lazy().with_columns(marks[name]) for name, shards in groups.items()]


def students_of(part: AlignedCounts, group: str) -> dict[str, Answers]:
    """The students of one group, by their own names."""
    marked = {name.partition(_MARK)[::2]: answers for name, answers in part.tuned.items()}
    return {name: answers for (of, name), answers in marked.items() if of == group}
