import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit

from tom.statistics.firth import fit_firth

pytestmark = pytest.mark.filterwarnings("error")
FEW = [(cooperated, readable) for readable in range(6) for cooperated in range(readable + 1)]


@pytest.mark.parametrize(("cooperated", "readable"), [(0, 300), (300, 300), (77, 300), (1, 2)])
def test_one_propensity_gains_half_a_reply_of_each_kind(cooperated, readable):
    fit = fit_firth([[1.0]], [cooperated], [readable])
    assert fit.fitted == pytest.approx([(cooperated + 0.5) / (readable + 1)])


def test_a_saturated_table_is_haldanes_odds_ratio():
    # Haldane (1956), Anscombe (1956): half added to each cell of a two by two table.
    fit = fit_firth([[1, 0], [1, 1]], [0, 7], [20, 30])
    assert fit.coefficients[1] == pytest.approx(np.log(7.5 * 20.5 / (23.5 * 0.5)))


@pytest.mark.parametrize("left_out", [None, [False, True, False]])
def test_the_estimate_maximises_the_penalised_likelihood(left_out):
    generator = np.random.default_rng(2)
    design = np.column_stack([np.ones(8), generator.standard_normal((8, 2))])
    readable = np.full(8, 12)
    cooperated = generator.binomial(readable, expit(design @ [0.3, 1.5, -0.5]))
    cooperated[:2] = 0

    free = ~np.array(left_out or [False] * 3)

    def loss(values):
        coefficients = np.zeros(3)
        coefficients[free] = values
        p = expit(design @ coefficients)
        information = design.T * (readable * p * (1 - p)) @ design
        likelihood = cooperated @ np.log(p) + (readable - cooperated) @ np.log1p(-p)
        return -likelihood - np.linalg.slogdet(information)[1] / 2

    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000}
    found = minimize(loss, np.zeros(free.sum()), method="Nelder-Mead", options=options)
    fit = fit_firth(design, cooperated, readable, left_out=left_out)
    assert fit.coefficients[free] == pytest.approx(found.x, abs=1e-5)
    assert (fit.coefficients[~free] == 0).all()
    assert fit.log_likelihood == pytest.approx(-found.fun)


def test_separated_cells_stay_finite():
    fit = fit_firth([[1, 0], [1, 1]], [0, 300], [300, 300])
    assert logit(fit.fitted) == pytest.approx([-np.log(601), np.log(601)])
    assert np.isfinite(fit.covariance).all()


@pytest.mark.parametrize("first", FEW)
def test_a_saturated_model_of_few_replies_gains_half_a_reply_of_each_kind_in_each_cell(first):
    for second in FEW:
        cooperated, readable = zip(first, second, strict=True)
        fit = fit_firth([[1, 1], [1, -1]], cooperated, readable)
        if 0 in readable:
            assert "too few cells" in fit.not_estimable and np.isnan(fit.fitted).all() and np.isnan(fit.log_likelihood)
        else:
            assert fit.not_estimable is None
            assert fit.fitted == pytest.approx((np.array(cooperated) + 0.5) / (np.array(readable) + 1))


@pytest.mark.parametrize("seed", range(40))
def test_cells_of_one_reply_beside_cells_of_thousands_are_fitted(seed):
    generator = np.random.default_rng(seed)
    design = np.column_stack([np.ones(6), np.repeat([1, 0, -1], 2), np.repeat([0, 1, -1], 2), np.tile([1, -1], 3)])
    readable = generator.choice([1, 2, 5, 300, 10_000], 6)
    cooperated = np.minimum(generator.choice([0, 1, 2, 10_000], 6), readable)
    fit = fit_firth(design, cooperated, readable)
    assert fit.not_estimable is None
    weights = readable * fit.fitted * (1 - fit.fitted)
    leverage = weights * np.einsum("ij,jk,ik->i", design, np.linalg.inv(design.T * weights @ design), design)
    # Firth's modified score is 0 at the estimate.
    score = design.T @ (cooperated - readable * fit.fitted + leverage * (0.5 - fit.fitted))
    assert score == pytest.approx(0, abs=1e-6)


def test_a_fit_that_does_not_settle_says_so_and_has_no_values():
    fit = fit_firth([[1.0]], [3], [300], steps=1)
    assert fit.not_estimable == "the fit did not converge in 1 steps"
    assert np.isnan(fit.coefficients).all() and np.isnan(fit.covariance).all()
