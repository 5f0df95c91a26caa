"""How near a student's propensities are to its teacher's.

gap = mean over cells of |teacher − x|. gap closed = 1 − Σ|teacher − x| / Σ|teacher − base|: a ratio of sums, where
the paper averages one ratio for each cell (arXiv 2408.05241, its section on improvement; tom/evaluation/improvement.py).
That average is ruled by the cells whose base is already near the teacher; the ratio of sums is not.

Intervals take teacher and student for independent. In sample they are not: the student was taught with the very
counts that it is measured by, so its distance from the teacher's propensities is somewhat larger than its gap.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, norm

from tom.statistics.intervals import symmetric
from tom.statistics.resampling import Answers, Counted, Known


@dataclass(frozen=True)
class Gap:
    """A mean distance from the teacher, 0 to 1, and its resamples (draws,)."""

    estimate: float
    draws: np.ndarray


def distance(teacher: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Mean over cells (the last axis) of |teacher − other|; propensities, 0 to 1."""
    return np.abs(teacher - other).mean(axis=-1)


def gap_of(teacher: Counted, teacher_draws: np.ndarray, other: Answers, generator: np.random.Generator) -> Gap:
    """The gap of a model from its teacher. teacher_draws: (draws, cells), resamples that all models are set against."""
    redrawn = other.redrawn(len(teacher_draws), generator)
    return Gap(float(distance(teacher.rates(), other.rates())), distance(teacher_draws, redrawn))


def mean_gap(gaps: list[Gap]) -> Gap:
    """The mean of several students' gaps, e.g. over training seeds."""
    return Gap(float(np.mean([gap.estimate for gap in gaps])), np.mean([gap.draws for gap in gaps], axis=0))


def gap_closed(gap, base_gap):
    """1 − gap / base_gap: 0 as far as the base, 1 the teacher itself, negative farther; nan for a base gap of 0."""
    return 1 - gap / np.where(np.asarray(base_gap) > 0, base_gap, np.nan)


def closed_interval(gap: Gap, base: Gap, confidence: float, reach: float) -> tuple[float, float, float]:
    """(gap closed, low, high); nan where the base has no gap.

    low is that of the symmetric bootstrap interval, high its high or `reach` (see `closed_reach`; nan for none),
    whichever is higher, but at most 1.

    Coverage at 95 %, from 500 simulated experiments in each of 54 cases (the paper's three splits; its own student
    and students that leave 0 to 100 % of the base's gap; sampled and exact): 92 to 100 %. The percentile interval
    holds the truth in 89 to 96 % of experiments for the paper's own student, but in 0 to 82 % for one that leaves
    8 % of the gap, and never for the teacher itself.
    """
    estimate = float(gap_closed(gap.estimate, base.estimate))
    low, high = symmetric(estimate, gap_closed(gap.draws, base.draws), confidence)
    return estimate, low, min(float(np.fmax(high, reach)), 1.0)


def lead_interval(gap: Gap, other: Gap, base: Gap, confidence: float) -> tuple[float, float, float]:
    """(lead, low, high): gap closed beyond another predictor's.

    Both are resampled with the same teacher and base, so the noise that they share drops out.
    """
    lead = float(gap_closed(gap.estimate, base.estimate) - gap_closed(other.estimate, base.estimate))
    draws = gap_closed(gap.draws, base.draws) - gap_closed(other.draws, base.draws)
    return lead, *symmetric(lead, draws, confidence)


def share_interval(gap: Gap, whole: Gap, base: Gap, confidence: float) -> tuple[float, float, float]:
    """(share, low, high): gap closed as a share of what another predictor closes; nan unless that one closes some.

    Some: more than nothing in all but half of 1 − confidence of the resamples; else the share is of noise.
    """
    of = gap_closed(whole.draws, base.draws)
    # A base without a gap has nan here, which is not above 0 either.
    if not np.quantile(of, (1 - confidence) / 2) > 0:
        return (float("nan"),) * 3
    share = float(gap_closed(gap.estimate, base.estimate) / gap_closed(whole.estimate, base.estimate))
    return share, *symmetric(share, gap_closed(gap.draws, base.draws) / of, confidence)


def closed_reach(
    teacher: Counted, student: Answers, base: Answers, draws: int, confidence: float, generator: np.random.Generator
) -> float:
    """The most of the gap that the student may have closed; above 1 if it may be the teacher, nan if base has no gap.

    Counts of teacher and student differ by chance even where their propensities are equal, and a resample that
    starts from them takes that difference for real. So here the cells that a z-test at the confidence can't tell
    apart start from one rate: the pooled one, or the student's own where that is exact. Resamples show how far
    below the truth of that world an estimate falls, and the estimate is raised by as much.
    """
    rates, own = teacher.rates(), student.rates()
    readable = teacher.readable[:, 0]
    if isinstance(student, Known):
        pooled, inverse_size = own, 1 / readable
    else:
        replies = student.pooled()
        pooled = Counted(teacher.cooperated + replies.cooperated, teacher.readable + replies.readable).rates()
        inverse_size = 1 / readable + 1 / replies.readable[:, 0]
    limit = norm.ppf((1 + confidence) / 2) * np.sqrt(pooled * (1 - pooled) * inverse_size)
    alike = np.abs(rates - own) <= limit
    world, student_world = np.where(alike, pooled, rates), np.where(alike, pooled, own)

    redrawn = _draw(world, readable, draws, generator)
    if isinstance(student, Known):
        redrawn_student = student_world
    else:
        redrawn_student = _draw(student_world, replies.readable[:, 0], draws, generator)
    truth = gap_closed(distance(world, student_world), distance(world, base.rates()))
    found = gap_closed(distance(redrawn, redrawn_student), distance(redrawn, base.redrawn(draws, generator)))
    errors = found - truth
    errors = errors[np.isfinite(errors)]
    if errors.size == 0:
        return float("nan")
    estimate = gap_closed(distance(rates, own), distance(rates, base.rates()))
    return float(estimate - np.quantile(errors, (1 - confidence) / 2))


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
