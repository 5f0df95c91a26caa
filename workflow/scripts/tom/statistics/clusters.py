"""Inference about contexts that were not asked: the contexts are the sample, and their number is the sample size.

Cells of one context resemble each other, and more replies in the same contexts say nothing about other contexts.
"""

from dataclasses import dataclass

import numpy as np

from tom.statistics.distributions import t_above, t_quantile
from tom.statistics.fieller import UNDEFINED, RatioSet, fieller


@dataclass(frozen=True)
class MeanOfClusters:
    """A mean over clusters: its t interval, the standard deviation between clusters, and the p-value of a mean of 0."""

    mean: float
    low: float
    high: float
    deviation: float
    p_value: float


def mean_of_clusters(values, confidence: float) -> MeanOfClusters:
    """The mean of one value a cluster, (G,), with Student's t at G − 1 degrees of freedom.

    Assumes that the clusters are a random sample and that their values are roughly normal. With three contexts t is
    4.3, and neither can be checked. One cluster gives a mean without an interval. Equal values give an interval of
    width 0, which does not mean certainty, and the p-value 0, or nan for a mean of 0.
    Source: Student (1908); for few clusters Donald, Lang, Inference with Difference-in-Differences (2007).
    """
    values = np.asarray(values, float)
    mean = float(values.mean()) if values.size else float("nan")
    if values.size < 2:
        return MeanOfClusters(mean, *[float("nan")] * 4)
    deviation = float(values.std(ddof=1))
    error, freedom = deviation / np.sqrt(values.size), values.size - 1
    half = float(t_quantile((1 + confidence) / 2, freedom) * error)
    p_value = float(2 * t_above(abs(mean) / error, freedom)) if error > 0 else (float("nan") if mean == 0 else 0.0)
    return MeanOfClusters(mean, mean - half, mean + half, deviation, p_value)


def ratio_of_clusters(numerators, denominators, confidence: float) -> RatioSet:
    """Fieller's set of the ratio of two means over the same clusters, both (G,), at G − 1 degrees of freedom.

    It contains the θ that a one-sample t-test of numerators − θ · denominators does not reject. `undefined` with fewer
    than two clusters.
    """
    pairs = np.array([numerators, denominators], float)
    clusters = pairs.shape[1]
    if clusters < 2:
        return RatioSet(UNDEFINED, float("nan"), float("nan"))
    covariance = np.cov(pairs) / clusters
    critical = float(t_quantile((1 + confidence) / 2, clusters - 1))
    variances = float(covariance[0, 0]), float(covariance[1, 1])
    return fieller(*map(float, pairs.mean(axis=1)), variances, float(covariance[0, 1]), critical)


def two_way_deviations(values) -> tuple[float, float, float]:
    """Standard deviations (between seeds, between contexts, of the rest) of one value a pair, (seeds, contexts).

    Moment estimates of a two-way layout with random effects and one value a pair. The rest is interaction and sampling
    noise together. A negative estimate of a variance counts as 0. nan where a factor has only one level.
    Source: Searle, Casella, McCulloch, Variance Components (1992), chapter 4.
    """
    values = np.asarray(values, float)
    seeds, contexts = values.shape
    if seeds < 2 or contexts < 2:
        return (float("nan"),) * 3
    by_seed, by_context, mean = values.mean(axis=1), values.mean(axis=0), values.mean()
    rest = ((values - by_seed[:, np.newaxis] - by_context + mean) ** 2).sum() / ((seeds - 1) * (contexts - 1))
    between_seeds = (contexts * by_seed.var(ddof=1) - rest) / contexts
    between_contexts = (seeds * by_context.var(ddof=1) - rest) / seeds
    return tuple(float(np.sqrt(max(variance, 0.0))) for variance in (between_seeds, between_contexts, rest))
