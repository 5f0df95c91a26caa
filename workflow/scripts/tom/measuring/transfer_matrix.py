"""Who transfers where: the gap that students close on each part of the cells, by what their training left out.

A row for each fold that was left out (tom/teaching/folds.py), or nothing, and each fold that is measured on. Where
both are the same, the student meets what it was not taught.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from tom.measuring.alignment import Gap, closed_interval, closed_reach, distance, gap_of, lead_interval, mean_gap
from tom.measuring.baselines import COIN
from tom.measuring.groups import mark_groups, students_of
from tom.measuring.panels import Panel, available_measures, panel, require_same_cells
from tom.measuring.propensities import available_views, count_replies, headline_view
from tom.models import BASE, TEACHER
from tom.statistics.precision import Precision
from tom.teaching.folds import Fold, folds

Shards = pl.DataFrame | pl.LazyFrame
NOTHING, ALL = "nothing", "all cells"
COLUMNS = {
    "left_out": pl.String,
    "measured_on": pl.String,
    "unseen": pl.Boolean,
    "view": pl.String,
    "measure": pl.String,
    "cells": pl.Int64,
    "seeds": pl.Int64,
    "gap": pl.Float64,
    "gap_closed": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "coin_lead": pl.Float64,
    "coin_low": pl.Float64,
    "coin_high": pl.Float64,
    "confidence": pl.Float64,
}


def transfer_matrix(untuned: Shards, tuned: Mapping[str, Shards], precision: Precision) -> pl.DataFrame:
    """The table, in the headline view, exact where all students are.

    untuned: shards of teacher and base. tuned: a fold as it is written, or NOTHING → shards of the students whose
    training left it out, over the same cells. Errors: BadInput names what the shards lack.
    """
    counts = count_replies(pl.concat([untuned.lazy(), *mark_groups(tuned)]))
    require_same_cells(counts, "shards")
    view, measure = headline_view(available_views(counts)), available_measures(counts)[-1]
    whole = panel(counts, sorted(set(counts["model"]) - {TEACHER, BASE}), view, measure)
    rows = []
    for fold in [None, *folds(whole.cells)]:
        part = whole if fold is None else _within(whole, fold)
        for row in _measure(part, list(tuned), precision, str(fold)):
            rows.append(
                row | {"measured_on": ALL if fold is None else str(fold), "unseen": row["left_out"] == str(fold)}
            )
    keys = {"view": view, "measure": measure, "confidence": precision.confidence}
    rows = [{name: (row | keys).get(name) for name in COLUMNS} for row in rows]
    return pl.DataFrame(rows, schema=COLUMNS).fill_nan(None)


def _within(part: Panel, fold: Fold) -> Panel:
    kept = np.array([fold.holds(cell) for cell in part.cells])
    return replace(
        part,
        cells=[cell for cell in part.cells if fold.holds(cell)],
        teacher=part.teacher.cells(kept),
        base=part.base.cells(kept),
        tuned={name: answers.cells(kept) for name, answers in part.tuned.items()},
    )


def _measure(part: Panel, groups: list[str], precision: Precision, *names: str) -> list[dict]:
    """One row for each group of students, all from one set of resampled teachers and bases."""
    names = ("transfer", *names)
    teacher_draws = part.teacher.redrawn(precision.draws, precision.generator(*names, TEACHER))
    base = gap_of(part.teacher, teacher_draws, part.base, precision.generator(*names, BASE))
    coin = Gap(float(distance(part.teacher.rates(), COIN)), distance(teacher_draws, COIN))
    rows = []
    for group in groups:
        students = students_of(part, group)
        reach = [
            closed_reach(
                part.teacher, found, part.base, precision.draws, precision.confidence,
                precision.generator(*names, group, name, "reach"),
            )
            for name, found in students.items()
        ]  # fmt: skip
        mean = mean_gap(
            [
                gap_of(part.teacher, teacher_draws, found, precision.generator(*names, group, name))
                for name, found in students.items()
            ]
        )
        closed = closed_interval(mean, base, precision.confidence, float(np.mean(reach)))
        lead = lead_interval(mean, coin, base, precision.confidence)
        rows.append(
            {"left_out": group, "cells": len(part.cells), "seeds": len(students), "gap": mean.estimate}
            | dict(zip(("gap_closed", "low", "high"), closed, strict=True))
            | dict(zip(("coin_lead", "coin_low", "coin_high"), lead, strict=True))
        )
    return rows
