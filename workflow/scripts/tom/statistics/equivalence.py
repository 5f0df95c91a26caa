"""Does a student equal its teacher, up to a margin? Two one-sided tests, and three verdicts."""

import numpy as np

from tom.statistics.distributions import normal_above, normal_below, normal_quantile
from tom.statistics.two_proportions import Count, score_p_value

EQUIVALENT, DIFFERENT, UNDECIDED = EQUIVALENCES = ("equivalent", "different", "undecided")


def equivalence_p_value(first: Count, second: Count, margin: float) -> float:
    """p-value for |first − second| < margin from counts: the larger one of two one-sided score tests at ± margin.

    It is small where the two are equivalent; nan where a count is empty.
    Source: Schuirmann, A Comparison of the Two One-Sided Tests Procedure (1987), with the tests of score_p_value.
    """
    return max(
        score_p_value(first, second, -margin, "larger"),
        score_p_value(first, second, margin, "smaller"),
    )


def known_equivalence_p_value(count: Count, propensity: float, margin: float) -> float:
    """The same where one propensity is known exactly: the larger p-value of two exact one-sided binomial tests.

    A bound below 0 or above 1 is ruled out without data. nan for an empty count.
    """
    from scipy.stats import binomtest

    cooperated, readable = int(count[0]), int(count[1])
    if readable == 0:
        return float("nan")
    low, high = propensity - margin, propensity + margin
    above = binomtest(cooperated, readable, low, "greater").pvalue if low >= 0 else 0.0
    below = binomtest(cooperated, readable, high, "less").pvalue if high <= 1 else 0.0
    return float(max(above, below))


def mean_equivalence_p_values(difference: float, variance: float, margin: float) -> tuple[float, float]:
    """(p-value of difference = 0, p-value for |difference| < margin) of a mean over many cells, by the normal.

    variance: of the estimated difference. Without any variance the p-values are 0 or 1; nan for what is not finite.
    """
    if not np.isfinite(difference) or not np.isfinite(variance):
        return float("nan"), float("nan")
    if variance == 0:
        return float(difference == 0), float(abs(difference) >= margin)
    spread = np.sqrt(variance)
    return float(2 * normal_above(abs(difference) / spread)), float(normal_above((margin - abs(difference)) / spread))


def equivalence_verdict(p_equal: float, p_equivalent: float, confidence: float) -> str:
    """One of EQUIVALENCES, from p-values that are adjusted within their family.

    equivalent: the difference is within the margin, whether or not it is 0. different: it is not 0, and not shown to be
    within the margin. undecided: there are too few replies for either, which is no evidence of equality.
    """
    level = 1 - confidence
    if p_equivalent < level:
        return EQUIVALENT
    return DIFFERENT if p_equal < level else UNDECIDED


def equivalence_power(difference: float, variance: float, margin: float, level: float) -> float:
    """The probability that the test at `level` finds two propensities equivalent whose true difference is `difference`.

    variance: of the estimated difference. Normal approximation; nan where the variance is not finite.
    Source: Julious, Sample Sizes for Clinical Trials with Normal Data (2004), its section on bioequivalence.
    """
    if not np.isfinite(variance):
        return float("nan")
    if variance == 0:
        return float(abs(difference) < margin)
    spread, quantile = np.sqrt(variance), normal_quantile(1 - level)
    chance = normal_below((margin - difference) / spread - quantile) + normal_below(
        (margin + difference) / spread - quantile
    )
    return float(max(chance - 1, 0.0))
