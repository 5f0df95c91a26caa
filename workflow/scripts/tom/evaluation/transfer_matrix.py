"""The transfer matrix: the gap that students close on each part of the cells, by what was left out of their training.

There is a row for each fold that was left out (tom/training/folds.py), or nothing, and each fold that is measured on.
Where the two are the same, the student is measured on what it was not taught.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from tom.core.frames import frame_of, table_schema
from tom.core.roles import BASE, TEACHER
from tom.evaluation.aligned_counts import (
    AlignedCounts,
    align_counts,
    available_measures,
    mark_groups,
    require_same_cells,
    students_of,
)
from tom.evaluation.alignment import (
    NO_GAP,
    Gap,
    closed_interval,
    closed_reach,
    distance,
    gap_of,
    lead_interval,
    mean_gap,
)
from tom.evaluation.baselines import CHANCE
from tom.evaluation.propensities import available_views, count_replies, headline_view
from tom.statistics.resampling import Uncertainty
from tom.training.folds import Fold, folds

Shards = pl.DataFrame | pl.LazyFrame
NOTHING, ALL = "nothing", "all cells"


def transfer_matrix(untuned: Shards, tuned: Mapping[str, Shards], uncertainty: Uncertainty) -> pl.DataFrame:
    """The table, in the headline view and in the measure exact where all students have it.

    untuned: shards of teacher and base. tuned: a fold's name, or NOTHING → shards over the same cells of the students
    whose training left it out. Errors: UserError names what the shards lack.
    """
    counts = count_replies(pl.concat([untuned.lazy(), *mark_groups(tuned)]))
    require_same_cells(counts, "shards")
    view, measure = headline_view(available_views(counts)), available_measures(counts)[-1]
    whole = align_counts(counts, sorted(set(counts["model"]) - {TEACHER, BASE}), view, measure)
    rows = []
    for fold in [None, *folds(whole.cells)]:
        part = whole if fold is None else _within(whole, fold)
        for row in _measure(part, list(tuned), uncertainty, str(fold)):
            rows.append(
                row | {"measured_on": ALL if fold is None else str(fold), "unseen": row["left_out"] == str(fold)}
            )
    keys = {"view": view, "measure": measure, "teacher_answers": whole.teacher_answers}
    keys["confidence"] = uncertainty.confidence
    return frame_of([row | keys for row in rows], table_schema("transfer_matrix"))


def _within(part: AlignedCounts, fold: Fold) -> AlignedCounts:
    kept = np.array([fold.holds(cell) for cell in part.cells])
    return replace(
        part,
        cells=[cell for cell in part.cells if fold.holds(cell)],
        teacher=part.teacher.cells(kept),
        base=part.base.cells(kept),
        tuned={name: answers.cells(kept) for name, answers in part.tuned.items()},
    )


def _measure(part: AlignedCounts, groups: list[str], uncertainty: Uncertainty, *names: str) -> list[dict]:
    """One row for each group of students, all from one set of resampled teachers and bases."""
    if not part.cells:
        empty = {"cells": 0, "not_estimated": part.not_estimated}
        return [empty | {"left_out": group, "seeds": len(students_of(part, group))} for group in groups]
    names = ("transfer", *names)
    teacher_draws = part.teacher.redrawn(uncertainty.draws, uncertainty.generator(*names, TEACHER))
    base = gap_of(part.teacher, teacher_draws, part.base, uncertainty.generator(*names, BASE))
    chance = Gap(float(distance(part.teacher.rates(), CHANCE)), distance(teacher_draws, CHANCE))
    rows = []
    for group in groups:
        students = students_of(part, group)
        reach = [
            closed_reach(
                part.teacher, found, part.base, uncertainty.draws, uncertainty.confidence,
                uncertainty.generator(*names, group, name, "reach"),
            )
            for name, found in students.items()
        ]  # fmt: skip
        mean = mean_gap(
            [
                gap_of(part.teacher, teacher_draws, found, uncertainty.generator(*names, group, name))
                for name, found in students.items()
            ]
        )
        closed = closed_interval(mean, base, uncertainty.confidence, float(np.mean(reach)))
        lead = lead_interval(mean, chance, base, uncertainty.confidence)
        rows.append(
            {"left_out": group, "cells": len(part.cells), "seeds": len(students), "gap": mean.estimate}
            | dict(zip(("gap_closed", "low", "high"), closed, strict=True))
            | dict(zip(("chance_lead", "chance_low", "chance_high"), lead, strict=True))
            | {"not_estimated": None if base.estimate > 0 else NO_GAP}
        )
    return rows
