"""The functions of scipy.special are those of scipy.stats."""

import numpy as np
from scipy import stats

from tom.statistics import distributions

P = np.linspace(0.0005, 0.9995, 1999)
VALUES = np.linspace(0.01, 12, 1999)


def test_the_normal_is_that_of_scipy_stats():
    assert np.array_equal(distributions.normal_quantile(P), stats.norm.ppf(P))
    for values in (VALUES, -VALUES):
        assert np.array_equal(distributions.normal_below(values), stats.norm.cdf(values))
        assert np.array_equal(distributions.normal_above(values), stats.norm.sf(values))


def test_student_s_t_chi_square_and_f_are_those_of_scipy_stats():
    for freedom in (1, 2, 19, 37.5):
        assert np.array_equal(distributions.t_quantile(P, freedom), stats.t.ppf(P, freedom))
        assert np.array_equal(distributions.t_above(VALUES, freedom), stats.t.sf(VALUES, freedom))
        assert np.array_equal(distributions.chi_square_quantile(P, freedom), stats.chi2.ppf(P, freedom))
        assert np.array_equal(distributions.chi_square_above(VALUES, freedom), stats.chi2.sf(VALUES, freedom))
        assert np.array_equal(distributions.f_quantile(P, freedom, 7), stats.f.ppf(P, freedom, 7))
        assert np.array_equal(distributions.f_above(VALUES, freedom, 7), stats.f.sf(VALUES, freedom, 7))


def test_beta_is_that_of_scipy_stats():
    shapes = np.arange(301) + 0.5, 300 - np.arange(301) + 0.5
    for p in (0.025, 0.05, 0.5, 0.975):
        assert np.array_equal(distributions.beta_quantile(p, *shapes), stats.beta.ppf(p, *shapes))
