import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from tom.statistics.two_proportions import holm


def test_holm_by_hand():
    # .005 * 4, .01 * 3, .03 * 2 and then not below .06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_is_statsmodels():
    p_values = np.random.default_rng(1).beta(0.3, 2, 40).round(2)  # rounded: some are equal
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_a_test_that_was_not_made_is_no_member():
    assert holm([0.01, np.nan, 0.03]) == pytest.approx([0.02, np.nan, 0.03], nan_ok=True)
    assert np.isnan(holm([np.nan])).all()
    assert holm([]).size == 0
