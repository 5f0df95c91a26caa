"""Predictors that need no student: whatever is learnt should beat them.

Fitted by least absolute deviation, which is what the gap measures, on the in-sample cells alone.
"""

import numpy as np

COIN = 0.5


def fit_constant(teacher: np.ndarray) -> float:
    """The one propensity nearest to a teacher's (cells,) propensities: their median."""
    return float(np.median(teacher))


def fit_shift(teacher: np.ndarray, base: np.ndarray) -> float:
    """The shift s that brings clip(base + s, 0, 1) nearest to the teacher; both (cells,), of propensities.

    The sum of distances is piecewise linear in s and bends only where a cell meets its teacher or begins to be
    clipped, so the best of those places is the best of all. Of equals the smallest |s| is taken.
    """
    places = np.unique(np.concatenate([[0.0], teacher - base, -base, 1 - base]))
    places = places[np.argsort(np.abs(places), kind="stable")]
    # Rounded so that equals that differ by floating-point noise stay equals.
    sums = np.abs(teacher - shifted(base, places[:, np.newaxis])).sum(axis=-1).round(12)
    return float(places[np.argmin(sums)])


def shifted(base: np.ndarray, shift) -> np.ndarray:
    """The base with all its propensities moved by a shift, within 0 and 1."""
    return np.clip(base + shift, 0, 1)
