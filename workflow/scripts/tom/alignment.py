"""How near a student's propensities are to its teacher's.

gap = mean over cells of |teacher − x|. gap closed = 1 − Σ|teacher − x| / Σ|teacher − base|: a ratio of sums, where
the paper averages one ratio for each cell (arXiv 2408.05241, its section on improvement; tom/improvement.py).
That average is ruled by the cells whose base is already near the teacher; the ratio of sums is not.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from tom.intervals import symmetric
from tom.resampling import Answers, Counted, Known


@dataclass(frozen=True)
class Gap:
    """A mean distance from the teacher, 0 to 1, and its resamples (draws,)."""

    estimate: float
    draws: np.ndarray


def distance(teacher: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Mean over cells (the last axis) of |teacher − other|; propensities, 0 to 1."""
    return np.abs(teacher - other).mean(axis=-1)


def mean_gap(gaps: list[Gap]) -> Gap:
    """The mean of several students' gaps, e.g. over training seeds."""
    return Gap(float(np.mean([gap.estimate for gap in gaps])), np.mean([gap.draws for gap in gaps], axis=0))


def gap_closed(gap, base_gap):
    """1 − gap / base_gap: 0 as far as the base, 1 the teacher itself, negative farther; nan for a base gap of 0."""
    return 1 - gap / np.where(np.asarray(base_gap) > 0, base_gap, np.nan)


def closed_interval(gap: Gap, base: Gap, confidence: float, may_be_equal: bool) -> tuple[float, float, float]:
    """(gap closed, low, high); nan where the base has no gap.

    The interval is the symmetric bootstrap interval, cut off at 1. No resample knows of a student that *is* the
    teacher, since each starts from two sets of counts that differ by chance: so where `may_be_equal`
    (see `may_equal_teacher`), high is 1.
    """
    estimate = float(gap_closed(gap.estimate, base.estimate))
    low, high = symmetric(estimate, gap_closed(gap.draws, base.draws), confidence)
    return estimate, low, 1.0 if may_be_equal else min(high, 1.0)


def lead_interval(gap: Gap, other: Gap, base: Gap, confidence: float) -> tuple[float, float, float]:
    """(lead, low, high): gap closed beyond another predictor's.

    Both are resampled with the same teacher and base, so the noise that they share drops out.
    """
    lead = float(gap_closed(gap.estimate, base.estimate) - gap_closed(other.estimate, base.estimate))
    draws = gap_closed(gap.draws, base.draws) - gap_closed(other.draws, base.draws)
    return lead, *symmetric(lead, draws, confidence)


def may_equal_teacher(
    teacher: Counted, student: Answers, draws: int, confidence: float, generator: np.random.Generator
) -> bool:
    """Whether a student with the teacher's own propensities is as far from it as this one, by chance.

    The test's statistic is the gap, its null distribution drawn at the pooled rate of teacher and student in each
    cell (at the student's own rate where that is exact), its level 1 − confidence.
    """
    if isinstance(student, Known):
        centre, student_draws = student.rates(), student.redrawn(draws, generator)
    else:
        pooled = student.pooled()
        both = Counted(teacher.cooperated + pooled.cooperated, teacher.readable + pooled.readable)
        centre = both.rates()
        student_draws = _draw(centre, pooled.readable[:, 0], draws, generator)
    null = distance(_draw(centre, teacher.readable[:, 0], draws, generator), student_draws)
    return bool(distance(teacher.rates(), student.rates()) <= np.quantile(null, confidence))


def noise_gap(teacher: Counted, student_is_exact: bool) -> float:
    """The gap that a perfect student would show, in expectation: the ceiling of any alignment figure.

    Two draws of the teacher of its own size for a sampled student; one draw around the teacher's
    propensity for a student whose propensities are exact. Computed from the binomial distribution, not drawn.
    """
    gaps = []
    for cooperated, readable in zip(teacher.cooperated[:, 0], teacher.readable[:, 0], strict=True):
        rate, counts = cooperated / readable, np.arange(readable + 1)
        mass = binom.pmf(counts, readable, rate)
        if student_is_exact:
            gaps.append(mass @ np.abs(counts / readable - rate))
        else:
            gaps.append(mass @ np.abs(counts[:, np.newaxis] - counts) @ mass / readable)
    return float(np.mean(gaps))


def _draw(rates: np.ndarray, readable: np.ndarray, draws: int, generator: np.random.Generator) -> np.ndarray:
    return generator.binomial(readable, rates, size=(draws, rates.size)) / readable
