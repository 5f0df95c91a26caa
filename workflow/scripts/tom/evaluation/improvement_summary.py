"""What the improvements of a split add up to: the paper's mean, its median, and the ratio of sums, with intervals."""

import numpy as np
import polars as pl

from tom.evaluation.aligned_counts import AlignedCounts
from tom.evaluation.improvement import improvement, improvement_set, summarise_improvements
from tom.statistics.intervals import symmetric
from tom.statistics.resampling import Answers
from tom.statistics.uncertainty import Uncertainty

COLUMNS = {
    "split": pl.String,
    "view": pl.String,
    "measure": pl.String,
    "model": pl.String,
    "statistic": pl.String,
    "estimate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "draws_dropped": pl.Int64,
    "fieller_set": pl.String,
    "fieller_low": pl.Float64,
    "fieller_high": pl.Float64,
}


def summed_improvement(base, tuned, teacher) -> np.ndarray:
    """100 × Σ(tuned − base) / Σ(teacher − base) over the last axis, in percent; nan where the sum of gaps is 0.

    Unlike the mean of the cells' improvements it divides once, by a sum that noise hardly moves. Signed: a cell
    above its teacher and one below cancel out (tom/evaluation/alignment.py measures distances instead).
    """
    base, tuned, teacher = (np.asarray(values, float).sum(axis=-1) for values in (base, tuned, teacher))
    return improvement(base, tuned, teacher)


def improvement_summary(
    base: Answers, tuned: Answers, teacher: Answers, uncertainty: Uncertainty, *names: str
) -> list[dict]:
    """Rows of mean, median and ratio_of_sums: parametric bootstrap for each, Fieller's set for the last.

    The bootstrap interval is the symmetric one (tom/statistics/intervals.py). A draw in which a cell's teacher equals
    its base has no mean and is dropped and counted. The mean of ratios has no finite variance in theory, so its
    interval says how far it may swing rather than where the truth lies.
    """
    drawn = [
        answers.redrawn(uncertainty.draws, uncertainty.generator("improvement", *names, name))
        for name, answers in {"base": base, "tuned": tuned, "teacher": teacher}.items()
    ]
    drawn = np.broadcast_arrays(*drawn)
    rates = [answers.rates() for answers in (base, tuned, teacher)]
    percents = improvement(*drawn)
    summary = summarise_improvements(improvement(*rates))
    everything = improvement_set(base, tuned, teacher, np.full(len(rates[0]), True), uncertainty.confidence)
    found = {
        "mean": (summary["mean_improvement"], percents.mean(axis=-1), None),
        "median": (summary["median_improvement"], np.median(percents, axis=-1), None),
        "ratio_of_sums": (float(summed_improvement(*rates)), summed_improvement(*drawn), everything),
    }
    rows = []
    for statistic, (estimate, draws, ratios) in found.items():
        low, high = symmetric(estimate, draws, uncertainty.confidence)
        row = {"statistic": statistic, "estimate": estimate, "low": low, "high": high}
        row["draws_dropped"] = int((~np.isfinite(draws)).sum())
        if ratios:
            row |= {"fieller_set": ratios.kind, "fieller_low": ratios.low, "fieller_high": ratios.high}
        rows.append(row)
    return rows


def improvement_summaries(
    part: AlignedCounts, uncertainty: Uncertainty, split: str, view: str, measure: str
) -> list[dict]:
    """Rows of COLUMNS for every tuned student of a panel."""
    return [
        {"split": split, "view": view, "measure": measure, "model": model} | row
        for model, answers in part.tuned.items()
        for row in improvement_summary(part.base, answers, part.teacher, uncertainty, split, view, measure, model)
    ]
