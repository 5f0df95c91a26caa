"""Distances between two distributions over the same answers."""

import numpy as np


def total_variation(first, second) -> np.ndarray:
    """Total variation: half the sum of |p − q| over the last axis, 0 to 1.

    first, second: probabilities that sum to 1 over the last axis. For a choice between two options it is the distance
    in propensity. Estimates from counts are too high, since two samples of one distribution differ
    (tom/evaluation/alignment.py: noise_gap).
    """
    return np.abs(np.asarray(first, float) - np.asarray(second, float)).sum(axis=-1) / 2


def jensen_shannon(first, second) -> np.ndarray:
    """The Jensen-Shannon divergence in bits over the last axis: 0 for equal distributions, 1 for disjoint ones.

    Answers that neither gives add nothing. Estimates from counts are too high, as above.
    Source: Lin, Divergence Measures Based on the Shannon Entropy (1991); SciPy gives its square root.
    """
    from scipy.spatial.distance import jensenshannon

    return jensenshannon(np.asarray(first, float), np.asarray(second, float), base=2, axis=-1) ** 2


def earth_movers(first, second) -> np.ndarray:
    """The earth mover's distance over the last axis, in steps from one number to the next.

    first, second: probabilities of the same equally spaced numbers, which sum to 1 over the last axis. Estimates from
    counts are too high, as above. scipy.stats.wasserstein_distance gives the same, but for one pair at a time, which is
    too slow for thousands of resamples.
    Source: Vallender, Calculation of the Wasserstein Distance Between Probability Distributions on the Line (1974).
    """
    return np.abs(np.cumsum(np.asarray(first, float) - np.asarray(second, float), axis=-1)).sum(axis=-1)


def choice(propensities) -> np.ndarray:
    """(..., 2): the distributions of a choice between two options, from propensities (...)."""
    propensities = np.asarray(propensities, float)
    return np.stack([propensities, 1 - propensities], axis=-1)
