import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import norm, t, ttest_1samp

from tom.statistics.clusters import ratio_of_clusters
from tom.statistics.fieller import EVERYTHING, INTERVAL, OUTSIDE, UNDEFINED, fieller

Z = norm.ppf(0.975)
numbers = st.floats(-5, 5)


def test_a_denominator_known_exactly_gives_the_plain_interval():
    found = fieller(3.0, 2.0, (0.25, 0.0), 0.0, Z)
    assert (found.low, found.high) == pytest.approx(((3 - Z * 0.5) / 2, (3 + Z * 0.5) / 2))


def test_a_textbook_ratio():
    # The formula as textbooks print it, with g = (critical * se of the denominator / denominator)^2.
    a, b, of_a, of_b, both, critical = 4.0, 5.0, 0.3, 0.4, 0.1, t.ppf(0.975, 12)
    g = critical**2 * of_b / b**2
    middle = a / b - g * both / of_b
    half = critical / b * np.sqrt(of_a - 2 * a / b * both + (a / b) ** 2 * of_b - g * (of_a - both**2 / of_b))
    found = fieller(a, b, (of_a, of_b), both, critical)
    assert (found.low, found.high) == pytest.approx(((middle - half) / (1 - g), (middle + half) / (1 - g)))


@given(numbers, numbers, st.floats(0.01, 3), st.floats(0.01, 3), st.floats(-0.9, 0.9), st.floats(-20, 20))
def test_the_set_holds_what_a_test_does_not_reject(a, b, of_a, of_b, correlation, ratio):
    both = correlation * np.sqrt(of_a * of_b)
    distance = abs(a - ratio * b) - Z * np.sqrt(of_a - 2 * ratio * both + ratio**2 * of_b)
    assume(abs(distance) > 1e-6)
    assert fieller(a, b, (of_a, of_b), both, Z).contains(ratio) == (distance < 0)


def test_a_denominator_within_noise_gives_no_bounded_set():
    assert fieller(5.0, 0.1, (1.0, 1.0), 0.0, Z).kind == OUTSIDE
    assert fieller(0.5, 0.1, (1.0, 1.0), 0.0, Z).kind == EVERYTHING
    assert fieller(0.5, 0.0, (1.0, 1.0), 0.0, Z).kind == EVERYTHING


def test_a_denominator_on_the_edge_gives_a_half_line():
    found = fieller(4.0, 2.0, (1.0, 1.0), 0.0, 2.0)
    assert (found.kind, found.high) == (INTERVAL, np.inf)
    assert found.low == pytest.approx((16 - 4) / (2 * 8))


@pytest.mark.parametrize(("a", "b", "variances"), [(1.0, 0.0, (0.1, 0.0)), (np.nan, 1.0, (0.1, 0.1))])
def test_no_ratio_no_set(a, b, variances):
    assert fieller(a, b, variances, 0.0, Z).kind == UNDEFINED


def test_over_clusters_it_is_the_t_test():
    tops, bottoms = [0.1, 0.2, 0.15, 0.3], [0.4, 0.5, 0.35, 0.6]
    found = ratio_of_clusters(tops, bottoms, 0.95)
    for bound in (found.low, found.high):
        assert ttest_1samp(np.array(tops) - bound * np.array(bottoms), 0).pvalue == pytest.approx(0.05)
