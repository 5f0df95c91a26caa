"""The equivalence table: does a student's propensity equal its teacher's, up to a margin, in each cell and on average?

Each student has two of Holm's families in a split, view and measure: the tests of equality of its cells, and their
tests of equivalence. The split's own row, about the mean over its cells, is a family of one.
"""

import numpy as np

from tom.core.roles import BASE
from tom.evaluation.aligned_counts import AlignedCounts
from tom.statistics.distributions import normal_quantile
from tom.statistics.divergences import choice, jensen_shannon
from tom.statistics.equivalence import (
    equivalence_p_value,
    equivalence_power,
    equivalence_verdict,
    known_equivalence_p_value,
    mean_equivalence_p_values,
)
from tom.statistics.intervals import wilson
from tom.statistics.resampling import Answers, Counted, Known, Uncertainty
from tom.statistics.two_proportions import Count, counts_of, equal_p_values, holm, newcombe


def equivalence_rows(part: AlignedCounts, uncertainty: Uncertainty, keys: dict[str, str]) -> list[dict]:
    """Rows of the table for the base and each tuned student; keys: split, view, measure and teacher_answers."""
    return [
        keys | {"model": name, "margin": uncertainty.margin} | row
        for name, student in {BASE: part.base, **part.tuned}.items()
        for row in [*_cell_rows(part, student, uncertainty), _split_row(part.teacher, student, uncertainty)]
    ]


def _cell_rows(part: AlignedCounts, student: Answers, uncertainty: Uncertainty) -> list[dict]:
    rates, own = part.teacher.rates(), student.rates()
    # The variances of a difference between the teacher and a student with its propensity.
    variances = part.teacher.variances() * (2 if isinstance(student, Counted) else 1)
    level = 1 - uncertainty.confidence
    divergences = jensen_shannon(choice(rates), choice(own))
    p_equal, within = equal_p_values(part.teacher, student).tolist(), _within_margin(part.teacher, student, uncertainty)
    rows = []
    for number, (game, context) in enumerate(part.cells):
        row = {"level": "cell", "game": game, "context": context, "teacher": rates[number], "student": own[number]}
        row |= {"difference": own[number] - rates[number], "jensen_shannon": divergences[number]}
        row |= {"p_equal": p_equal[number]} | within[number]
        variance = float(variances[number])
        row["power"] = equivalence_power(0, variance, uncertainty.margin, level)
        row["power_in_family"] = equivalence_power(0, variance, uncertainty.margin, level / len(part.cells))
        rows.append(row)
    for name in ("p_equal", "p_equivalent"):
        for row, adjusted in zip(rows, holm([row[name] for row in rows]), strict=True):
            row[f"{name}_holm"] = float(adjusted)
    for row in rows:
        row["verdict"] = equivalence_verdict(row["p_equal_holm"], row["p_equivalent_holm"], uncertainty.confidence)
    return rows


def _split_row(teacher: Answers, student: Answers, uncertainty: Uncertainty) -> dict:
    """The mean over a split's cells. The cells are fixed: only replies vary."""
    rates, own = teacher.rates(), student.rates()
    cells, difference = len(rates), float((own - rates).mean())
    variance = float((teacher.variances() + student.variances()).sum()) / cells**2
    p_equal, p_equivalent = mean_equivalence_p_values(difference, variance, uncertainty.margin)
    half = _half_width(variance, uncertainty.confidence)
    power = equivalence_power(0, variance, uncertainty.margin, 1 - uncertainty.confidence)
    return {
        "level": "split",
        "teacher": float(rates.mean()),
        "student": float(own.mean()),
        "difference": difference,
        "low": difference - half,
        "high": difference + half,
        "jensen_shannon": float(jensen_shannon(choice(rates), choice(own)).mean()),
        **dict.fromkeys(("p_equal", "p_equal_holm"), p_equal),
        **dict.fromkeys(("p_equivalent", "p_equivalent_holm"), p_equivalent),
        **dict.fromkeys(("power", "power_in_family"), power),
        "verdict": equivalence_verdict(p_equal, p_equivalent, uncertainty.confidence),
    }


def _half_width(variance: float, confidence: float) -> float:
    return float(normal_quantile((1 + confidence) / 2) * np.sqrt(variance))


def _within_margin(teacher: Answers, student: Answers, uncertainty: Uncertainty) -> list[dict]:
    """For each cell, the interval of student - teacher, and the p-value of a difference of at least the margin."""
    if isinstance(teacher, Known):
        return [_both_known(difference, uncertainty) for difference in (student.rates() - teacher.rates()).tolist()]
    counts = counts_of(teacher)
    if isinstance(student, Known):
        return [_against_known(*pair, uncertainty) for pair in zip(counts, student.rates().tolist(), strict=True)]
    return [_against_count(*pair, uncertainty) for pair in zip(counts, counts_of(student), strict=True)]


def _both_known(difference: float, uncertainty: Uncertainty) -> dict:
    _, p_equivalent = mean_equivalence_p_values(difference, 0.0, uncertainty.margin)
    return {"low": difference, "high": difference, "p_equivalent": p_equivalent}


def _against_count(teacher: Count, student: Count, uncertainty: Uncertainty) -> dict:
    low, high = newcombe(student, teacher, uncertainty.confidence)
    return {
        "low": low,
        "high": high,
        "p_equivalent": equivalence_p_value(student, teacher, uncertainty.margin),
    }


def _against_known(teacher: Count, propensity: float, uncertainty: Uncertainty) -> dict:
    low, high = wilson(*teacher, uncertainty.confidence)
    return {
        "low": propensity - float(high),
        "high": propensity - float(low),
        "p_equivalent": known_equivalence_p_value(teacher, propensity, uncertainty.margin),
    }
