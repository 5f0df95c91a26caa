import numpy as np
import pytest
from scipy.stats import ttest_1samp

from tom.statistics.clusters import mean_of_clusters, ratio_of_clusters, two_way_deviations
from tom.statistics.fieller import UNDEFINED

# Student (1908), Biometrika 6:20: the additional hours of sleep gained by ten patients, second drug less first.
SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]


def test_students_own_sleep_data():
    found = mean_of_clusters(SLEEP, 0.95)
    assert (found.mean, found.low, found.high) == pytest.approx((1.58, 0.7001142, 2.4598858), abs=1e-7)
    assert found.p_value == pytest.approx(0.002833, abs=1e-6)
    assert found.deviation == pytest.approx(1.23, abs=0.001)


def test_three_contexts_have_two_degrees_of_freedom():
    found = mean_of_clusters([0.1, 0.2, 0.6], 0.95)
    assert found.high - found.mean == pytest.approx(4.3027 * np.std([0.1, 0.2, 0.6], ddof=1) / np.sqrt(3), abs=1e-4)
    assert found.p_value == pytest.approx(ttest_1samp([0.1, 0.2, 0.6], 0).pvalue)


@pytest.mark.parametrize("values", [[], [0.3]])
def test_below_two_contexts_there_is_no_interval(values):
    found = mean_of_clusters(values, 0.95)
    assert np.isnan([found.low, found.high, found.deviation, found.p_value]).all()
    assert ratio_of_clusters(values, values, 0.95).kind == UNDEFINED


def test_contexts_that_all_agree():
    assert mean_of_clusters([0.5, 0.5], 0.95).p_value == 0
    assert np.isnan(mean_of_clusters([0.0, 0.0], 0.95).p_value)


def test_deviations_find_what_was_put_in():
    generator = np.random.default_rng(1)
    shape = 300, 300
    seeds, contexts = 0.2 * generator.standard_normal(300), 0.5 * generator.standard_normal(300)
    values = seeds[:, None] + contexts + 0.1 * generator.standard_normal(shape)
    assert two_way_deviations(values) == pytest.approx((0.2, 0.5, 0.1), rel=0.1)


def test_deviations_by_hand():
    # Seeds differ by 2, contexts by 4, and nothing else does.
    assert two_way_deviations([[0, 4], [2, 6]]) == pytest.approx((np.sqrt(2), np.sqrt(8), 0))
    assert np.isnan(two_way_deviations([[0, 4]])).all()


def test_a_negative_variance_is_none():
    assert two_way_deviations([[0, 1], [1, 0]])[:2] == (0, 0)
