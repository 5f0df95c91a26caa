import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from tom.statistics.intervals import jeffreys, symmetric, wilson


@pytest.mark.parametrize(("cooperated", "readable"), [(1, 300), (77, 300), (150, 299), (299, 300), (3, 7)])
def test_jeffreys_is_statsmodels_inside(cooperated, readable):
    low, high = jeffreys(cooperated, readable, 0.95)
    assert (low, high) == pytest.approx(proportion_confint(cooperated, readable, 0.05, "jeffreys"))


def test_jeffreys_reaches_the_bounds_where_nothing_or_everything_was_seen():
    low, high = jeffreys([0, 300, 0], [300, 300, 0], 0.95)
    assert low[0] == 0
    assert 0.005 < high[0] < 0.01
    assert high[1] == 1
    assert low[1] == pytest.approx(1 - high[0])
    assert (low[2], high[2]) == (0, 1)


def test_jeffreys_widens_with_confidence():
    assert jeffreys(10, 50, 0.99)[0] < jeffreys(10, 50, 0.9)[0] < 0.2


def test_symmetric_by_hand():
    # Distances from 1.0 are 0, .1, .2, .3, .4; their median is .2.
    low, high = symmetric(1.0, np.array([1.0, 0.9, 1.2, 0.7, 1.4]), 0.5)
    assert (low, high) == pytest.approx((0.8, 1.2))


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=50), st.floats(-5, 5))
def test_symmetric_contains_its_estimate_and_enough_draws(draws, estimate):
    low, high = symmetric(estimate, np.array(draws), 0.9)
    assert low <= estimate <= high
    assert np.mean([low - 1e-9 <= draw <= high + 1e-9 for draw in draws]) >= 0.9 - 1 / len(draws)


def test_symmetric_leaves_out_draws_without_value():
    assert symmetric(0.0, np.array([np.nan, 0.5, -0.5, np.inf]), 0.95) == (-0.5, 0.5)


@pytest.mark.parametrize(("estimate", "draws"), [(np.nan, [0.1]), (0.0, [np.nan])])
def test_symmetric_of_nothing_is_nan(estimate, draws):
    assert np.isnan(symmetric(estimate, np.array(draws), 0.95)).all()


# Newcombe (1998), Statistics in Medicine 17:857-872, Table I, method 3.
@pytest.mark.parametrize(
    ("cooperated", "readable", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_a_published_table(cooperated, readable, low, high):
    assert wilson(cooperated, readable, 0.95) == pytest.approx((low, high), abs=0.00005)


def test_wilson_at_the_bounds():
    low, high = wilson([0, 300, 0], [300, 300, 0], 0.95)
    assert (low[0], high[1]) == (0, 1)
    assert high[0] == pytest.approx(1 - low[1])
    assert (low[2], high[2]) == (0, 1)


# Brown, Cai, DasGupta (2001), Table 5: 95 % limits of the modified Jeffreys interval for n = 7.
@pytest.mark.parametrize(("cooperated", "low", "high"), [(1, 0.016, 0.501), (2, 0.065, 0.648), (3, 0.139, 0.766)])
def test_jeffreys_gives_its_authors_table(cooperated, low, high):
    assert jeffreys(cooperated, 7, 0.95) == pytest.approx((low, high), abs=0.0006)
