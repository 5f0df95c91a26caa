"""Does a model still follow the games when their options have other names? Biases and gaps by these names."""

import numpy as np
import polars as pl

from tom.core.errors import UserError
from tom.core.frames import frame_of, table_schema
from tom.core.roles import BASE, TEACHER
from tom.evaluation.aligned_counts import teacher_of
from tom.evaluation.alignment import NO_GAP, closed_interval, closed_reach, gap_of
from tom.evaluation.diagnostics import answer_biases
from tom.evaluation.propensities import CELL, count_replies
from tom.prompts.variants import ORDERS
from tom.statistics.resampling import Answers, Known, Uncertainty

SCORE_COLUMNS = table_schema("label_scores")


def label_bias(scores: pl.DataFrame, teacher: pl.DataFrame | pl.LazyFrame, uncertainty: Uncertainty) -> pl.DataFrame:
    """The table: one row for each set of labels and model, sorted by both.

    scores: rows of the table label_scores of base and students. teacher: its shards of the same cells, asked with C and
    D, since the action that is taught is the same under all names. cooperation: mean exact propensity over cells and
    orders. Biases: tom/evaluation/diagnostics.py. gap: mean distance from the teacher's propensity of the mean of both
    orders. gap_closed: share of the base's gap under the same labels. Cells without a readable reply of the teacher
    count for the biases alone.
    Without any there are biases alone. Errors: UserError unless all models have the same cells.
    """
    counted = count_replies(teacher)
    cells = counted.select(CELL).unique().sort(CELL)
    orders = tuple(order for order in ORDERS if order in set(scores["order"]))
    target, teacher_answers = teacher_of(counted, orders, "exact")
    readable = np.isfinite(target.rates())
    target = target.cells(readable)
    rows = []
    for (labels,), part in sorted(scores.partition_by("labels", as_dict=True).items()):
        names = dict(zip(("cooperate", "defect"), _names(part), strict=True))
        plain = part.filter(cooperation_label=names["cooperate"])
        answers = {model: _answers(plain, model, cells).cells(readable) for model in part["model"].unique().sort()}
        biases = answer_biases(part, tuple(names.values()))
        for model, found in _gaps(target, answers, uncertainty, "labels", labels).items():
            row = {"labels": labels, **names, "model": model, "cells": int(readable.sum())} | found
            row["teacher_answers"] = teacher_answers
            rows.append(row | biases.row(by_predicate=pl.col("model") == model, named=True))
    return frame_of([row | {"confidence": uncertainty.confidence} for row in rows], table_schema("labels"))


def _names(scores: pl.DataFrame) -> tuple[str, str]:
    """The names of cooperation and of defection where they are not exchanged."""
    return tuple(scores.filter(exchanged=exchanged)["cooperation_label"][0] for exchanged in (False, True))


def _gaps(target: Answers, answers: dict[str, Known], uncertainty: Uncertainty, *names: str) -> dict[str, dict]:
    """Model → mean propensity and gap, and for a tuned student the share of the base's gap that it closes."""
    if not len(target.rates()):
        return {model: {"not_estimated": f"{TEACHER} gave no readable reply"} for model in answers}
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
        found[model]["not_estimated"] = None if gaps[BASE].estimate > 0 else NO_GAP
    return found


def _answers(scores: pl.DataFrame, model: str, cells: pl.DataFrame) -> Known:
    """A model's exact propensities, (cells, orders), in the order of `cells`."""
    own = scores.filter(model=model).sort(*CELL, "order")
    if not own.select(CELL).unique().sort(CELL).equals(cells) or own.height % cells.height:
        raise UserError(f"labels: {model} and the teacher were not asked in the same cells")
    return Known(own["p_cooperate"].to_numpy().reshape(cells.height, -1))
