"""Which predictor is nearer to the teacher in each context, and would it be in a context that was never asked?

The table contexts shows each context. The table generalisation takes the contexts as the sample
(tom/statistics/clusters.py). Both measure distances in propensity and use the baselines of tom/evaluation/baselines.py.
"""

import numpy as np

from tom.core.roles import BASE
from tom.evaluation.aligned_counts import AlignedCounts
from tom.evaluation.alignment import gap_closed
from tom.evaluation.alignment_table import NOTHING_IN_SAMPLE, why_not_closed
from tom.evaluation.baselines import BASELINES, Baselines
from tom.statistics.clusters import mean_of_clusters, ratio_of_clusters, two_way_deviations
from tom.statistics.two_proportions import holm


def context_gaps(part: AlignedCounts, reference: AlignedCounts) -> tuple[list[str], np.ndarray, dict[str, np.ndarray]]:
    """(contexts, number of cells in each, predictor → (contexts,) mean distances from the teacher).

    Predictors: base, each tuned student, the baselines fitted on the reference, and `tuned`, the mean over students.
    """
    teacher, base = part.teacher.rates(), part.base.rates()
    predictions = {
        BASE: base,
        **{name: student.rates() for name, student in part.tuned.items()},
        **Baselines.fit(part, reference).predictions(base),
    }
    contexts = sorted({context for _, context in part.cells})
    members = np.array([[context == own for _, own in part.cells] for context in contexts], float)
    sizes = members.sum(axis=1)
    gaps = {name: members @ np.abs(teacher - found) / sizes for name, found in predictions.items()}
    gaps["tuned"] = np.mean([gaps[name] for name in part.tuned], axis=0)
    return contexts, sizes.astype(int), gaps


def context_rows(part: AlignedCounts, reference: AlignedCounts, keys: dict[str, str]) -> list[dict]:
    """Rows of the table contexts, one for each predictor and context; keys: split, view and measure."""
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
            "not_estimated": why_not_closed(gap, base_gap),
        }
        for name, found in gaps.items()
        for context, size, gap, base_gap in zip(contexts, sizes, found, gaps[BASE], strict=True)
    ]


def generalisation_rows(
    part: AlignedCounts, reference: AlignedCounts, keys: dict[str, str], confidence: float
) -> list[dict]:
    """Rows of the table generalisation: each tuned student, and their mean, against the base and each baseline.

    keys: split, view and measure. lead: mean over contexts of the other's gap less the student's; above 0 the student
    is nearer. share: the lead as a share of the other's mean gap; against the base it is the gap closed. Holm's family:
    the comparisons of one student in one split, view and measure.
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
            row["not_estimated"] = why_no_lead(leads, gaps[other], other)
            if name == "tuned":
                spread = two_way_deviations([gaps[other] - gaps[seed] for seed in part.tuned])
                row |= dict(zip(("between_seeds", "between_contexts", "rest"), spread, strict=True))
            found.append(row)
        for row, adjusted in zip(found, holm([row["p_value"] for row in found]), strict=True):
            rows.append(row | {"p_holm": float(adjusted)})
    return rows


def why_no_lead(leads: np.ndarray, others: np.ndarray, other: str) -> str | None:
    """Why a lead over another predictor, its test or its share is null; leads, others: (contexts,)."""
    if np.isnan(leads).any():
        return NOTHING_IN_SAMPLE
    if len(leads) < 2:
        return "there is only one context"
    if not others.any():
        return f"{other} has no gap to the teacher"
    return None if leads.any() else f"it is as near as {other} in every context"


def gap_ratio(gaps: np.ndarray, others: np.ndarray) -> float:
    """The ratio of two mean gaps; nan where the second is 0."""
    return float(gaps.mean() / others.mean()) if others.mean() > 0 else float("nan")
