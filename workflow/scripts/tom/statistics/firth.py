"""A binomial model of choice whose estimates stay finite when a cell is 0 of 300."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from tom.errors import BadInput


@dataclass(frozen=True)
class FirthFit:
    """coefficients (k,) on the logit scale; covariance (k, k), without overdispersion; fitted (rows,) propensities."""

    coefficients: np.ndarray
    covariance: np.ndarray
    fitted: np.ndarray


def fit_firth(design, cooperated, readable, steps: int = 200) -> FirthFit:
    """Logistic regression of counts with Firth's penalty, the square root of the information's determinant.

    design: (rows, k) of full rank; cooperated, readable: (rows,) counts. Newton's steps on the modified score, at
    most 1 on any coefficient. One propensity alone gives (cooperated + 1/2) / (readable + 1); a saturated
    table gives each cell its half success and half failure. statsmodels has no such fit.
    Errors: BadInput when it does not settle.
    Source: Firth, Bias Reduction of Maximum Likelihood Estimates (1993); Heinze, Schemper (2002).
    """
    design = np.asarray(design, float)
    cooperated, readable = np.asarray(cooperated, float), np.asarray(readable, float)
    coefficients = np.zeros(design.shape[1])
    for _ in range(steps):
        fitted = expit(design @ coefficients)
        weights = readable * fitted * (1 - fitted)
        covariance = np.linalg.inv(design.T * weights @ design)
        leverage = weights * np.einsum("ij,jk,ik->i", design, covariance, design)
        step = covariance @ design.T @ (cooperated - readable * fitted + leverage * (0.5 - fitted))
        if np.abs(step).max() < 1e-10:
            return FirthFit(coefficients, covariance, fitted)
        coefficients = coefficients + step / max(1.0, np.abs(step).max())
    raise BadInput(f"the model of choice did not settle in {steps} steps")
