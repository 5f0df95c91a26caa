"""Logistic regression whose estimates stay finite where 0 of 300 replies cooperate."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, xlog1py, xlogy

from tom.core.errors import UserError


@dataclass(frozen=True)
class FirthFit:
    """A fit of `fit_firth`.

    coefficients: (k,), on the logit scale. covariance: (k, k), without overdispersion. fitted: (rows,) propensities.
    log_likelihood: penalised, without terms that depend on the counts alone.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    fitted: np.ndarray
    log_likelihood: float


def fit_firth(design, cooperated, readable, steps: int = 200, left_out=None) -> FirthFit:
    """Logistic regression of counts with Firth's penalty, the square root of the information's determinant.

    design: (rows, k), of full rank. cooperated, readable: (rows,) counts. Newton's steps on the modified score, at most
    1 in any coefficient. A single propensity is estimated as (cooperated + 1/2) / (readable + 1); a saturated model
    adds half a success and half a failure to each cell. statsmodels has no such fit.
    left_out: (k,) of booleans, coefficients that are held at 0 under the penalty of the whole design, so that
    likelihoods with and without them are values of the same function.
    Errors: UserError if it does not converge.
    Source: Firth, Bias Reduction of Maximum Likelihood Estimates (1993); Heinze, Schemper,
    A Solution to the Problem of Separation in Logistic Regression (2002).
    """
    design = np.asarray(design, float)
    cooperated, readable = np.asarray(cooperated, float), np.asarray(readable, float)
    coefficients = np.zeros(design.shape[1])
    free = np.ones(design.shape[1], bool) if left_out is None else ~np.asarray(left_out)
    for _ in range(steps):
        fitted = expit(design @ coefficients)
        weights = readable * fitted * (1 - fitted)
        information = design.T * weights @ design
        covariance = np.linalg.inv(information)
        leverage = weights * np.einsum("ij,jk,ik->i", design, covariance, design)
        score = design.T @ (cooperated - readable * fitted + leverage * (0.5 - fitted))
        step = np.zeros_like(coefficients)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], score[free])
        if np.abs(step).max() < 1e-10:
            likelihood = (xlogy(cooperated, fitted) + xlog1py(readable - cooperated, -fitted)).sum()
            penalised = float(likelihood + np.linalg.slogdet(information)[1] / 2)
            return FirthFit(coefficients, covariance, fitted, penalised)
        coefficients = coefficients + step / max(1.0, np.abs(step).max())
    raise UserError(f"the model of choice did not converge in {steps} steps")
