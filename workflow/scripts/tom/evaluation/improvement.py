"""The paper's improvement of a cell: how far tuning moved the base towards the teacher, in percent."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from tom.core.frames import frame_of, table_schema
from tom.evaluation.aligned_counts import AlignedCounts
from tom.evaluation.alignment import distance, gap_closed
from tom.evaluation.baselines import CHANCE
from tom.evaluation.propensities import CELL
from tom.statistics.distributions import normal_quantile
from tom.statistics.fieller import RatioSet, fieller
from tom.statistics.resampling import Answers, Counted
from tom.statistics.two_proportions import equal_p_values

VERDICTS = ("improvement", "exacerbation", "overcorrection", "undetermined")


def improvement(base, tuned, teacher) -> np.ndarray:
    """100 × (tuned − base) / (teacher − base), elementwise; nan where teacher and base are equal.

    Arguments in any one unit, counts or propensities. Source: arXiv 2408.05241, its section on improvement.
    """
    base, tuned, teacher = (np.asarray(values, float) for values in (base, tuned, teacher))
    way = teacher - base
    return 100 * (tuned - base) / np.where(way != 0, way, np.nan)


def improvement_set(base: Answers, tuned: Answers, teacher: Answers, kept: np.ndarray, confidence: float) -> RatioSet:
    """Fieller's set, in percent, of Σ(tuned − base) / Σ(teacher − base) over some cells; kept: (cells,) of booleans.

    One cell gives the set of its improvement, all cells that of the ratio of sums. The base is part of numerator and
    denominator, so the two are correlated. Models are assumed to be independent; an exact propensity does not vary.
    """
    rates = [answers.rates()[kept].sum() for answers in (base, tuned, teacher)]
    variances = [answers.variances()[kept].sum() for answers in (base, tuned, teacher)]
    critical = float(normal_quantile((1 + confidence) / 2))
    found = fieller(
        float(rates[1] - rates[0]),
        float(rates[2] - rates[0]),
        (float(variances[1] + variances[0]), float(variances[2] + variances[0])),
        float(variances[0]),
        critical,
    )
    return found.scaled(100)


def published_improvement(published: dict[str, Counted]) -> np.ndarray:
    """(cells,): the improvement of the paper's student in percent, computed from counts as in the paper.

    Counts and propensities give different values for one cell, whose teacher was observed 299 times instead of 300.
    """
    base, tuned, teacher = (published[model].cooperated[:, 0] for model in ("base", "tuned", "teacher"))
    return improvement(base, tuned, teacher)


def published_chance(published: dict[str, Counted]) -> float:
    """The share that chance closes of the gap from the paper's base to the teacher."""
    base, teacher = (published[model].rates() for model in ("base", "teacher"))
    return float(gap_closed(distance(teacher, CHANCE), distance(teacher, base)))


def verdict(percent: float, p_value: float, confidence: float) -> str:
    """One of VERDICTS. p_value: that of the test that base and teacher are equal.

    Without a significant gap between base and teacher the improvement divides by noise, and is undetermined.
    """
    if not p_value < 1 - confidence or np.isnan(percent):
        return "undetermined"
    if percent < 0:
        return "exacerbation"
    return "overcorrection" if percent > 100 else "improvement"


def summarise_improvements(percents: np.ndarray) -> dict[str, float | int]:
    """Unweighted mean and median over cells, as the paper reports them; cells without a gap are left out and counted.

    percents: (cells,) improvements, nan without a gap.
    """
    known = percents[~np.isnan(percents)]
    return {
        "mean_improvement": float(np.mean(known)) if known.size else float("nan"),
        "median_improvement": float(np.median(known)) if known.size else float("nan"),
        "cells_without_gap": int(percents.size - known.size),
    }


def improvement_table(aligned: Mapping[tuple[str, str], AlignedCounts], split: str, confidence: float) -> pl.DataFrame:
    """The table: one row for each tuned student, view, measure and cell. aligned: (view, measure) → counts."""
    rows = []
    for (view, measure), part in aligned.items():
        teacher_rates, base_rates = part.teacher.rates(), part.base.rates()
        p_values = equal_p_values(part.teacher, part.base).tolist()
        cells = np.arange(len(part.cells))
        for number, (game, context) in enumerate(part.cells):
            for model, answers in part.tuned.items():
                tuned_rate = answers.rates()[number]
                percent = float(improvement(base_rates[number], tuned_rate, teacher_rates[number]))
                ratios = improvement_set(part.base, answers, part.teacher, cells == number, confidence)
                rows.append(
                    {
                        "split": split,
                        "model": model,
                        "game": game,
                        "context": context,
                        "view": view,
                        "measure": measure,
                        "teacher_answers": part.teacher_answers,
                        "base": base_rates[number],
                        "tuned": tuned_rate,
                        "teacher": teacher_rates[number],
                        "improvement": percent,
                        "fieller_set": ratios.kind,
                        "fieller_low": ratios.low,
                        "fieller_high": ratios.high,
                        "p_base_is_teacher": p_values[number],
                        "verdict": verdict(percent, p_values[number], confidence),
                    }
                )
    return frame_of(rows, table_schema("improvements")).sort("model", "view", "measure", *CELL)
