"""Claims beyond the contexts that were asked: contexts are the sample, so their number is its size.

Cells of one context resemble each other, and more replies in the same contexts say nothing about a further one.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from tom.statistics.fieller import UNDEFINED, RatioSet, fieller


@dataclass(frozen=True)
class MeanOfClusters:
    """A mean over clusters with its t interval, its standard deviation between them and the p-value of a mean of 0."""

    mean: float
    low: float
    high: float
    deviation: float
    p_value: float


def mean_of_clusters(values, confidence: float) -> MeanOfClusters:
    """The mean of one value a cluster, (G,), with Student's t at G − 1 degrees of freedom.

    Assumes that the clusters are a random sample and their values roughly normal; with three contexts t is 4.3 and
    neither can be checked. One cluster has a mean and no interval; equal values have an interval of no width, which
    is no certainty, and a p-value that is nan for a mean of 0.
    Source: Student (1908); for few clusters Donald, Lang, Inference with Difference-in-Differences (2007).
    """
    values = np.asarray(values, float)
    mean = float(values.mean()) if values.size else float("nan")
    if values.size < 2:
        return MeanOfClusters(mean, *[float("nan")] * 4)
    deviation = float(values.std(ddof=1))
    error, freedom = deviation / np.sqrt(values.size), values.size - 1
    half = float(t.ppf((1 + confidence) / 2, freedom) * error)
    p_value = float(2 * t.sf(abs(mean) / error, freedom)) if error > 0 else (float("nan") if mean == 0 else 0.0)
    return MeanOfClusters(mean, mean - half, mean + half, deviation, p_value)


def ratio_of_clusters(numerators, denominators, confidence: float) -> RatioSet:
    """Fieller's set of the ratio of two means over the same clusters, both (G,), at G − 1 degrees of freedom.

    It holds the θ that a one-sample t-test of numerators − θ · denominators does not reject. `undefined` below two
    clusters.
    """
    pairs = np.array([numerators, denominators], float)
    clusters = pairs.shape[1]
    if clusters < 2:
        return RatioSet(UNDEFINED, float("nan"), float("nan"))
    covariance = np.cov(pairs) / clusters
    critical = float(t.ppf((1 + confidence) / 2, clusters - 1))
    variances = float(covariance[0, 0]), float(covariance[1, 1])
    return fieller(*map(float, pairs.mean(axis=1)), variances, float(covariance[0, 1]), critical)


def two_way_deviations(values) -> tuple[float, float, float]:
    """Standard deviations (between seeds, between contexts, of the rest) of one value for each pair, (seeds, contexts).

    Moments of a two-way layout with random effects and one value a cell; the rest is interaction and sampling noise
    together. A negative estimate of a variance is 0. nan where a factor has one level alone.
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
