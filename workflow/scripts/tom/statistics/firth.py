"""Logistic regression whose estimates stay finite where 0 of 300 replies cooperate."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, xlog1py, xlogy


@dataclass(frozen=True)
class FirthFit:
    """A fit of `fit_firth`; all values are nan where there is none.

    coefficients: (k,), on the logit scale. covariance: (k, k), without overdispersion. fitted: (rows,) propensities.
    log_likelihood: penalised, without terms that depend on the counts alone. not_estimable: why there is no fit, or
    None.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    fitted: np.ndarray
    log_likelihood: float
    not_estimable: str | None = None


class _Point:
    """Everything that a step needs, at some coefficients."""

    def __init__(self, design: np.ndarray, cooperated: np.ndarray, readable: np.ndarray, coefficients: np.ndarray):
        self.coefficients, self.fitted = coefficients, expit(design @ coefficients)
        weights = readable * self.fitted * (1 - self.fitted)
        self.information = design.T * weights @ design
        self.covariance = np.linalg.inv(self.information)
        leverage = weights * np.einsum("ij,jk,ik->i", design, self.covariance, design)
        self.score = design.T @ (cooperated - readable * self.fitted + leverage * (0.5 - self.fitted))
        likelihood = (xlogy(cooperated, self.fitted) + xlog1py(readable - cooperated, -self.fitted)).sum()
        self.log_likelihood = float(likelihood + np.linalg.slogdet(self.information)[1] / 2)


def fit_firth(design, cooperated, readable, steps: int = 1000, left_out=None) -> FirthFit:
    """Logistic regression of counts with Firth's penalty, the square root of the information's determinant.

    design: (rows, k). cooperated, readable: (rows,) counts. Newton's steps on the modified score, at most 1 in any
    coefficient, and halved where one goes too far. A single propensity is estimated as (cooperated + 1/2) /
    (readable + 1); a saturated model adds half a success and half a failure to each cell. statsmodels has no such fit.
    left_out: (k,) of booleans, coefficients that are held at 0 under the penalty of the whole design, so that
    likelihoods with and without them are values of the same function.
    The estimates are finite whenever the rows with replies have full rank. If they have not, or after `steps` steps,
    the fit says why it is not estimable.
    Source: Firth, Bias Reduction of Maximum Likelihood Estimates (1993); Heinze, Schemper,
    A Solution to the Problem of Separation in Logistic Regression (2002); on finiteness Kosmidis, Firth,
    Jeffreys-prior Penalty, Finiteness and Shrinkage in Binomial-response Generalized Linear Models (2021).
    """
    design = np.asarray(design, float)
    cooperated, readable = np.asarray(cooperated, float), np.asarray(readable, float)
    if np.linalg.matrix_rank(design * (readable > 0)[:, np.newaxis]) < design.shape[1]:
        return _not_estimable(design, "too few cells with readable replies for the terms of the model")
    free = np.ones(design.shape[1], bool) if left_out is None else ~np.asarray(left_out)
    point = _Point(design, cooperated, readable, np.zeros(design.shape[1]))
    for number in range(steps):
        step = np.zeros(design.shape[1])
        step[free] = np.linalg.solve(point.information[np.ix_(free, free)], point.score[free])
        # Rounding may keep steps above the first bound where the information is nearly singular.
        if np.abs(step).max() < (1e-10 if number < steps - 1 else 1e-6):
            return FirthFit(point.coefficients, point.covariance, point.fitted, point.log_likelihood)
        step = step / max(1.0, np.abs(step).max())
        following = _Point(design, cooperated, readable, point.coefficients + step)
        # Without the penalty the information is too small, at one reply in a cell by half: steps twice too long would
        # go from one side of the maximum to the other for ever.
        while _too_far(point, following, step) and np.abs(step).max() > 1e-10:
            step = step / 2
            following = _Point(design, cooperated, readable, point.coefficients + step)
        point = following
    return _not_estimable(design, f"the fit did not converge in {steps} steps")


def _too_far(point: _Point, following: _Point, step: np.ndarray) -> bool:
    """Whether a step lowers the penalised likelihood, or reverses more than half of its slope along the step."""
    # The likelihood is a sum of large terms, so near the maximum its rounding hides what the slope still shows.
    fallen = following.log_likelihood < point.log_likelihood - 1e-9 * (1 + abs(point.log_likelihood))
    return bool(fallen or following.score @ step < -(point.score @ step) / 2)


def _not_estimable(design: np.ndarray, reason: str) -> FirthFit:
    rows, k = design.shape
    return FirthFit(np.full(k, np.nan), np.full((k, k), np.nan), np.full(rows, np.nan), float("nan"), reason)
