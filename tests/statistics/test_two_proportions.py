import numpy as np
import pytest
from scipy.special import xlogy
from scipy.stats import chi2_contingency, norm
from statsmodels.stats.proportion import proportions_ztest

from tom.statistics.two_proportions import (
    equal_counts_p_value,
    equals_known_p_value,
    likeliest_at,
    newcombe,
    score_p_value,
)


def test_p_value_of_two_counts_by_hand():
    # z = (.5 - .4) / sqrt(.45 * .55 * (2 / 100)) = 1.4213, two-sided p = .1552.
    assert equal_counts_p_value((50, 100), (40, 100)) == pytest.approx(0.1552, abs=0.0001)
    assert equal_counts_p_value((50, 100), (40, 100)) == proportions_ztest([50, 40], [100, 100])[1]


@pytest.mark.parametrize("cooperated", [0, 300])
def test_equal_certainties_do_not_differ(cooperated):
    assert equal_counts_p_value((cooperated, 300), (cooperated, 300)) == 1


def test_p_value_of_a_known_propensity_by_hand():
    # 5 of 5 at one half: twice 1 / 32.
    assert equals_known_p_value((5, 5), 0.5) == pytest.approx(2 / 32)


def test_the_z_test_is_the_score_test_at_a_difference_of_nothing():
    table = [[56, 14], [48, 32]]
    assert equal_counts_p_value((56, 70), (48, 80)) == pytest.approx(chi2_contingency(table, correction=False).pvalue)
    one_sided = score_p_value((56, 70), (48, 80), 0, "larger")
    assert 2 * one_sided == pytest.approx(equal_counts_p_value((56, 70), (48, 80)))


# Newcombe (1998), Statistics in Medicine 17:873-890, Table II, method 10 without continuity correction.
@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_newcombe_gives_its_authors_table(first, second, low, high):
    assert newcombe(first, second, 0.95) == pytest.approx((low, high), abs=0.00005)


def test_newcombe_of_no_replies_is_everything():
    assert newcombe((0, 0), (3, 10), 0.95) == (-1, 1)


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [
        ((60, 100), (45, 90), 0.05),
        ((0, 300), (0, 300), 0.1),
        ((0, 300), (0, 300), -0.1),
        ((300, 300), (290, 300), -0.1),
        ((3, 7), (0, 299), 0.4),
    ],
)
def test_the_likeliest_propensities_are_those_of_a_search(first, second, difference):
    q = np.linspace(max(0, -difference), min(1, 1 - difference), 400_001)
    p = np.clip(q + difference, 0, 1)
    logs = xlogy(first[0], p) + xlogy(first[1] - first[0], 1 - p)
    logs += xlogy(second[0], q) + xlogy(second[1] - second[0], 1 - q)
    best = logs.argmax()
    assert likeliest_at(first, second, difference) == pytest.approx((p[best], q[best]), abs=1e-5)


def test_the_score_test_by_hand():
    p, q = likeliest_at((60, 100), (45, 90), 0.05)
    z = 0.05 / np.sqrt(p * (1 - p) / 100 + q * (1 - q) / 90)
    assert score_p_value((60, 100), (45, 90), 0.05, "larger") == pytest.approx(norm.sf(z))
    assert score_p_value((60, 100), (45, 90), 0.05, "smaller") == pytest.approx(norm.cdf(z))


@pytest.mark.parametrize(("first", "second"), [((0, 300), (0, 300)), ((300, 300), (300, 300)), ((0, 300), (5, 300))])
def test_the_score_test_is_defined_at_the_bounds(first, second):
    assert 0 <= score_p_value(first, second, -0.1, "larger") < 0.001
    assert 0 < score_p_value(first, second, 0, "larger") <= 1


def test_tests_without_replies_have_no_p_value():
    assert np.isnan(score_p_value((0, 0), (1, 2), 0.1, "larger"))
    assert np.isnan(equal_counts_p_value((0, 0), (1, 2)))
    assert np.isnan(equals_known_p_value((0, 0), 0.5))
