import numpy as np
import pytest
from scipy.stats import binom, norm
from statsmodels.stats.proportion import tost_proportions_2indep

from tom.statistics.equivalence import (
    equivalence_p_value,
    equivalence_power,
    equivalence_verdict,
    known_equivalence_p_value,
    mean_equivalence_p_values,
)


def test_two_one_sided_tests_are_nearly_those_of_statsmodels():
    # Nearly: tom/statistics/two_proportions.py says what statsmodels has wrong.
    expected = tost_proportions_2indep(210, 300, 216, 300, -0.1, 0.1, method="score", correction=False).pvalue
    assert equivalence_p_value((210, 300), (216, 300), 0.1) == pytest.approx(expected, rel=0.05)


def test_far_apart_is_not_equivalent_and_an_empty_count_has_no_p_value():
    assert equivalence_p_value((0, 300), (300, 300), 0.1) > 0.999
    assert equivalence_p_value((0, 300), (0, 300), 0.1) < 0.001
    assert np.isnan(equivalence_p_value((0, 0), (3, 300), 0.1))


def test_against_a_known_propensity_by_the_binomial():
    # The likelier error: 60 or more of 100 at .5 and 60 or fewer at .7.
    expected = max(binom.sf(59, 100, 0.5), binom.cdf(60, 100, 0.7))
    assert known_equivalence_p_value((60, 100), 0.6, 0.1) == pytest.approx(expected)


def test_a_bound_beyond_certainty_needs_no_data():
    assert known_equivalence_p_value((0, 100), 0.05, 0.1) == pytest.approx(binom.cdf(0, 100, 0.15))
    assert known_equivalence_p_value((100, 100), 1.0, 0.1) == pytest.approx(binom.sf(99, 100, 0.9))
    assert np.isnan(known_equivalence_p_value((0, 0), 0.5, 0.1))


def test_power_of_a_textbooks_example():
    # Chow, Shao, Wang: .75 and .80, a margin of .2, 5 %, 133 in each group for 80 %. Their formula takes both errors
    # for as large as the larger one, 2 Φ((.2 - .05) / se - 1.645) - 1, so chance itself is higher.
    variance = (0.75 * 0.25 + 0.8 * 0.2) / 133
    theirs = 2 * norm.cdf(0.15 / np.sqrt(variance) - norm.ppf(0.95)) - 1
    assert theirs == pytest.approx(0.80, abs=0.005)
    assert theirs < equivalence_power(0.05, variance, 0.2, 0.05) < 0.5 * (1 + theirs) + 1e-3


def test_power_is_how_often_the_test_decides():
    draws = np.random.default_rng(1).normal(0.02, 0.04, 200_000)
    shown = (draws - 1.6449 * 0.04 > -0.1) & (draws + 1.6449 * 0.04 < 0.1)
    assert equivalence_power(0.02, 0.04**2, 0.1, 0.05) == pytest.approx(shown.mean(), abs=0.005)


@pytest.mark.parametrize(("variance", "expected"), [(0.0, 1.0), (1.0, 0.0), (np.nan, np.nan)])
def test_power_at_the_edges(variance, expected):
    assert equivalence_power(0.0, variance, 0.1, 0.05) == pytest.approx(expected, nan_ok=True)


def test_means_by_hand():
    p_equal, p_equivalent = mean_equivalence_p_values(0.05, 0.0004, 0.1)
    assert (p_equal, p_equivalent) == pytest.approx((0.01242, 0.00621), abs=1e-5)
    assert mean_equivalence_p_values(0.05, 0.0, 0.1) == (0, 0)
    assert mean_equivalence_p_values(0.0, 0.0, 0.1) == (1, 0)
    assert mean_equivalence_p_values(0.2, 0.0, 0.1) == (0, 1)


@pytest.mark.parametrize(
    ("p_equal", "p_equivalent", "verdict"),
    [
        (0.5, 0.01, "equivalent"),
        (0.01, 0.01, "equivalent"),
        (0.01, 0.5, "different"),
        (0.5, 0.5, "undecided"),
        (np.nan, np.nan, "undecided"),
    ],
)
def test_three_verdicts(p_equal, p_equivalent, verdict):
    assert equivalence_verdict(p_equal, p_equivalent, 0.95) == verdict
