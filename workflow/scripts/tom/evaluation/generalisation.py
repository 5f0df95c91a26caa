"""Context by context: which predictor is nearer to the teacher, and would it be in a context never asked?

`contexts` shows every context; `generalisation` takes the contexts as the sample (tom/statistics/clusters.py). Both
measure distances in propensity, as tom/evaluation/alignment.py does, and the same baselines.
"""

import numpy as np
import polars as pl

from tom.core.roles import BASE
from tom.evaluation.aligned_counts import AlignedCounts
from tom.evaluation.alignment import gap_closed
from tom.evaluation.baselines import BASELINES, CHANCE, fit_constant, fit_offset, nearest_cell, shifted
from tom.statistics.clusters import mean_of_clusters, ratio_of_clusters, two_way_deviations
from tom.statistics.two_proportions import holm

_KEYS = {"split": pl.String, "view": pl.String, "measure": pl.String, "predictor": pl.String}
CONTEXT_COLUMNS = _KEYS | {
    "context": pl.String,
    "cells": pl.Int64,
    "gap": pl.Float64,
    "base_gap": pl.Float64,
    "gap_closed": pl.Float64,
}
GENERALISATION_COLUMNS = _KEYS | {
    "against": pl.String,
    "contexts": pl.Int64,
    "contexts_nearer": pl.Int64,
    "lead": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p_value": pl.Float64,
    "p_holm": pl.Float64,
    "context_sd": pl.Float64,
    "share": pl.Float64,
    "share_set": pl.String,
    "share_low": pl.Float64,
    "share_high": pl.Float64,
    "between_seeds": pl.Float64,
    "between_contexts": pl.Float64,
    "rest": pl.Float64,
}


def context_gaps(part: AlignedCounts, reference: AlignedCounts) -> tuple[list[str], np.ndarray, dict[str, np.ndarray]]:
    """(contexts, cells of each, predictor → (contexts,) mean distances from the teacher).

    Predictors: base, each tuned student, `tuned` (the mean of their distances) and the baselines, fitted on the
    reference.
    """
    teacher, base = part.teacher.rates(), part.base.rates()
    fitted_on, fitted_base = reference.teacher.rates(), reference.base.rates()
    predictions = {
        BASE: base,
        **{name: student.rates() for name, student in part.tuned.items()},
        "chance": np.full_like(teacher, CHANCE),
        "constant": np.full_like(teacher, fit_constant(fitted_on)),
        "offset": shifted(base, fit_offset(fitted_on, fitted_base)),
        "nearest": nearest_cell(part.cells, reference.cells, fitted_on),
    }
    contexts = sorted({context for _, context in part.cells})
    members = np.array([[context == own for _, own in part.cells] for context in contexts], float)
    sizes = members.sum(axis=1)
    gaps = {name: members @ np.abs(teacher - found) / sizes for name, found in predictions.items()}
    gaps["tuned"] = np.mean([gaps[name] for name in part.tuned], axis=0)
    return contexts, sizes.astype(int), gaps


def context_rows(part: AlignedCounts, reference: AlignedCounts, keys: dict[str, str]) -> list[dict]:
    """Rows of CONTEXT_COLUMNS, one for each predictor and context; keys: split, view and measure."""
    contexts, sizes, gaps = context_gaps(part, reference)
    return [
        keys
        | {
            "predictor": name,
            "context": context,
            "cells": int(size),
            "gap": gap,
            "base_gap": base_gap,
            "gap_closed": float(gap_closed(gap, base_gap)),
        }
        for name, found in gaps.items()
        for context, size, gap, base_gap in zip(contexts, sizes, found, gaps[BASE], strict=True)
    ]


def generalisation_rows(
    part: AlignedCounts, reference: AlignedCounts, keys: dict[str, str], confidence: float
) -> list[dict]:
    """Rows of GENERALISATION_COLUMNS: each tuned student, and their mean, against the base and every baseline.

    lead: mean over contexts of the other's gap less the student's; above 0 the student is nearer. share: the lead
    as a share of the other's mean gap, which against the base is the gap closed. Holm's family: the comparisons of
    one student in one split, view and measure.
    """
    contexts, _, gaps = context_gaps(part, reference)
    rows = []
    for name in ("tuned", *part.tuned):
        found = []
        for other in (BASE, *BASELINES):
            leads = gaps[other] - gaps[name]
            mean = mean_of_clusters(leads, confidence)
            ratios = ratio_of_clusters(leads, gaps[other], confidence)
            row = keys | {"predictor": name, "against": other, "contexts": len(contexts)}
            row |= {"contexts_nearer": int((leads > 0).sum()), "lead": mean.mean, "low": mean.low, "high": mean.high}
            row |= {"p_value": mean.p_value, "context_sd": mean.deviation}
            row |= {"share": float(1 - gap_ratio(gaps[name], gaps[other]))}
            row |= {"share_set": ratios.kind, "share_low": ratios.low, "share_high": ratios.high}
            if name == "tuned":
                spread = two_way_deviations([gaps[other] - gaps[seed] for seed in part.tuned])
                row |= dict(zip(("between_seeds", "between_contexts", "rest"), spread, strict=True))
            found.append(row)
        for row, adjusted in zip(found, holm([row["p_value"] for row in found]), strict=True):
            rows.append(row | {"p_holm": float(adjusted)})
    return rows


def gap_ratio(gaps: np.ndarray, others: np.ndarray) -> float:
    """The ratio of two mean gaps; nan where the second is 0."""
    return float(gaps.mean() / others.mean()) if others.mean() > 0 else float("nan")
