"""Does a model know the games when their options have other names? Biases and gaps, by what the options are called."""

import numpy as np
import polars as pl

from tom.core.errors import UserError
from tom.core.roles import BASE, TEACHER
from tom.evaluation.aligned_counts import pooled_teacher
from tom.evaluation.alignment import closed_interval, closed_reach, gap_of
from tom.evaluation.diagnostics import answer_biases
from tom.evaluation.propensities import CELL, count_replies
from tom.statistics.resampling import Counted, Known
from tom.statistics.uncertainty import Uncertainty

SCORE_COLUMNS = {
    "model": pl.String,
    "labels": pl.String,
    "game": pl.String,
    "context": pl.String,
    "order": pl.String,
    "cooperation_label": pl.String,
    "exchanged": pl.Boolean,
    "p_cooperate": pl.Float64,
    "option_mass": pl.Float64,
    "prompt_sha256": pl.String,
    "model_sha256": pl.String,
    "adapter_sha256": pl.String,
}
COLUMNS = {
    "labels": pl.String,
    "cooperate": pl.String,
    "defect": pl.String,
    "model": pl.String,
    "cells": pl.Int64,
    "cooperation": pl.Float64,
    "order_bias": pl.Float64,
    "letter_change": pl.Float64,
    "letter_distance": pl.Float64,
    "option_mass": pl.Float64,
    "gap": pl.Float64,
    "gap_closed": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "confidence": pl.Float64,
}


def label_bias(scores: pl.DataFrame, teacher: pl.DataFrame | pl.LazyFrame, uncertainty: Uncertainty) -> pl.DataFrame:
    """One row for each set of labels and model, sorted so.

    scores: rows of SCORE_COLUMNS of the base and of students. teacher: its shards of the same cells, asked with C and
    D: what is taught is the same action under every name. cooperation: mean exact propensity over cells and orders. The
    biases: tom/evaluation/diagnostics.py. gap: of the propensities, each the mean of the orders', from the teacher's.
    gap_closed: of the base's gap under the same labels. Cells in which the teacher gave no readable reply count for the
    biases alone. Errors: UserError unless all models met the same cells, and the teacher can be read in one.
    """
    counted = count_replies(teacher)
    cells = counted.select(CELL).unique().sort(CELL)
    target = pooled_teacher(counted)
    readable = np.isfinite(target.rates())
    if not readable.any():
        raise UserError("labels: the teacher gave no readable reply in any cell: see its shards' column 'raw'")
    target = target.cells(readable)
    rows = []
    for (labels,), part in sorted(scores.partition_by("labels", as_dict=True).items()):
        names = dict(zip(("cooperate", "defect"), _names(part), strict=True))
        plain = part.filter(cooperation_label=names["cooperate"])
        answers = {model: _answers(plain, model, cells).cells(readable) for model in part["model"].unique().sort()}
        biases = answer_biases(part, tuple(names.values()))
        for model, found in _gaps(target, answers, uncertainty, "labels", labels).items():
            row = {"labels": labels, **names, "model": model, "cells": int(readable.sum())} | found
            rows.append(row | biases.row(by_predicate=pl.col("model") == model, named=True))
    rows = [{name: (row | {"confidence": uncertainty.confidence}).get(name) for name in COLUMNS} for row in rows]
    return pl.DataFrame(rows, schema=COLUMNS).fill_nan(None)


def _names(scores: pl.DataFrame) -> tuple[str, str]:
    """What cooperation and defection are called, unless they are exchanged."""
    return tuple(scores.filter(exchanged=exchanged)["cooperation_label"][0] for exchanged in (False, True))


def _gaps(target: Counted, answers: dict[str, Known], uncertainty: Uncertainty, *names: str) -> dict[str, dict]:
    """Model → mean propensity, gap and, of a student, what it closes of the base's gap."""
    draws = target.redrawn(uncertainty.draws, uncertainty.generator(*names, TEACHER))
    gaps = {model: gap_of(target, draws, own, uncertainty.generator(*names, model)) for model, own in answers.items()}
    found = {
        model: {"cooperation": float(own.rates().mean()), "gap": gaps[model].estimate} for model, own in answers.items()
    }
    for model in answers.keys() - {BASE}:
        generator = uncertainty.generator(*names, model, "reach")
        reach = closed_reach(
            target, answers[model], answers[BASE], uncertainty.draws, uncertainty.confidence, generator
        )
        closed = closed_interval(gaps[model], gaps[BASE], uncertainty.confidence, reach)
        found[model] |= dict(zip(("gap_closed", "low", "high"), closed, strict=True))
    return found


def _answers(scores: pl.DataFrame, model: str, cells: pl.DataFrame) -> Known:
    """A model's exact propensities, (cells, orders), in the order of `cells`."""
    own = scores.filter(model=model).sort(*CELL, "order")
    if not own.select(CELL).unique().sort(CELL).equals(cells) or own.height % cells.height:
        raise UserError(f"labels: {model} and the teacher did not meet the same cells")
    return Known(own["p_cooperate"].to_numpy().reshape(cells.height, -1))
