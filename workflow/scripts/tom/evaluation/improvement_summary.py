"""The improvements of a split summed up: the paper's mean and median, and the ratio of sums, with intervals."""

import numpy as np

from tom.evaluation.aligned_counts import AlignedCounts
from tom.evaluation.improvement import improvement, improvement_set, summarise_improvements
from tom.statistics.intervals import symmetric
from tom.statistics.resampling import Answers, Uncertainty


def summed_improvement(base, tuned, teacher) -> np.ndarray:
    """100 × Σ(tuned − base) / Σ(teacher − base) over the last axis, in percent; nan where the sum of gaps is 0.

    Unlike the mean of the cells' improvements it divides once, by a sum that noise hardly changes. It is signed: a cell
    above its teacher and a cell below cancel (tom/evaluation/alignment.py measures distances instead).
    """
    base, tuned, teacher = (np.asarray(values, float).sum(axis=-1) for values in (base, tuned, teacher))
    return improvement(base, tuned, teacher)


def improvement_summary(
    base: Answers, tuned: Answers, teacher: Answers, uncertainty: Uncertainty, *names: str
) -> list[dict]:
    """Rows for mean, median and ratio_of_sums, each with a bootstrap interval, and the last with Fieller's set too.

    The bootstrap is parametric and the interval symmetric (tom/statistics/intervals.py). A draw in which a cell's
    teacher equals its base has no mean; it is dropped and counted. The mean of ratios has no finite variance in theory,
    so its interval says how far the mean varies rather than where the truth lies. names: seed the draws.
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
        if not np.isfinite(estimate):
            row["not_estimated"] = "base and teacher are equal, in each cell or in the sum over cells"
        elif not np.isfinite(low):
            row["not_estimated"] = "in each resample base and teacher are equal in some cell"
        if ratios:
            row |= {"fieller_set": ratios.kind, "fieller_low": ratios.low, "fieller_high": ratios.high}
        rows.append(row)
    return rows


def improvement_summaries(
    part: AlignedCounts, uncertainty: Uncertainty, split: str, view: str, measure: str
) -> list[dict]:
    """Rows of the table for each tuned student."""
    return [
        {"split": split, "view": view, "measure": measure, "teacher_answers": part.teacher_answers, "model": model}
        | row
        for model, answers in part.tuned.items()
        for row in improvement_summary(part.base, answers, part.teacher, uncertainty, split, view, measure, model)
    ]
