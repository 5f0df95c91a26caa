"""Intervals for one proportion, and for a resampled statistic."""

import numpy as np

from tom.statistics.distributions import beta_quantile


def jeffreys(cooperated, readable, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Equal-tailed Jeffreys intervals of proportions, elementwise.

    cooperated, readable: counts, arrays of one shape. Returns (low, high), proportions of that shape.
    0 of n begins at 0, n of n ends at 1, and 0 of 0 is (0, 1).
    Source: Brown, Cai, DasGupta, Interval Estimation for a Binomial Proportion (2001), section 4.3, which sets
    the bounds at 0 of n and n of n; statsmodels' `proportion_confint(method="jeffreys")` leaves them out.
    """
    cooperated, readable = np.asarray(cooperated, float), np.asarray(readable, float)
    tail = (1 - confidence) / 2
    shape = cooperated + 0.5, readable - cooperated + 0.5
    low = np.where(cooperated == 0, 0.0, beta_quantile(tail, *shape))
    high = np.where(cooperated == readable, 1.0, beta_quantile(1 - tail, *shape))
    return low, high


def wilson(cooperated, readable, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score intervals of proportions, elementwise: the propensities that a z-test does not reject.

    cooperated, readable: counts, arrays of one shape. Returns (low, high), proportions of that shape.
    Assumes independent replies with one propensity. 0 of n begins at 0, n of n ends at 1, 0 of 0 is (0, 1).
    Source: Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927); statsmodels.
    """
    from statsmodels.stats.proportion import proportion_confint

    cooperated, readable = np.asarray(cooperated, float), np.asarray(readable, float)
    low, high = proportion_confint(cooperated, np.where(readable > 0, readable, np.nan), 1 - confidence, "wilson")
    return np.where(cooperated == 0, 0.0, low), np.where(cooperated == readable, 1.0, high)


def symmetric(estimate: float, draws: np.ndarray, confidence: float) -> tuple[float, float]:
    """estimate ± the quantile of |draw − estimate|: the symmetric bootstrap interval.

    draws: (draws,) resampled values; those that are not finite are left out. Returns (nan, nan) if the estimate or all
    draws are not finite.

    Percentiles would be biased: noise can only add to a sum of |teacher − student|, and resampling adds it once more.
    The percentile interval of such a sum is too high and may not even contain the estimate; the basic interval is too
    low by as much. Here the bias widens the interval instead of moving it.
    Source: Hall, On Symmetric Bootstrap Confidence Intervals (1988).
    """
    distances = np.abs(draws[np.isfinite(draws)] - estimate)
    if not np.isfinite(estimate) or distances.size == 0:
        return float("nan"), float("nan")
    half = float(np.quantile(distances, confidence))
    return estimate - half, estimate + half
