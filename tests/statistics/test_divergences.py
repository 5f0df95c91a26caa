import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.statistics.divergences import choice, jensen_shannon, total_variation

shares = st.floats(0, 1)


def test_equal_and_disjoint_distributions():
    equal, disjoint = ([0.2, 0.8], [0.2, 0.8]), ([1.0, 0.0], [0.0, 1.0])
    assert (float(total_variation(*equal)), float(jensen_shannon(*equal))) == (0, 0)
    assert float(total_variation(*disjoint)) == 1
    assert float(jensen_shannon(*disjoint)) == pytest.approx(1)


def test_jensen_shannon_by_hand():
    # Half of KL((1, 0) || (3/4, 1/4)) plus half of KL((1/2, 1/2) || (3/4, 1/4)), in bits.
    expected = 0.5 * np.log2(4 / 3) + 0.5 * (0.5 * np.log2(2 / 3) + 0.5 * np.log2(2))
    assert float(jensen_shannon([1, 0], [0.5, 0.5])) == pytest.approx(expected)


@given(shares, shares)
def test_a_choice_of_two_is_as_far_as_its_propensities(p, q):
    assert total_variation(choice(p), choice(q)) == pytest.approx(abs(p - q), abs=1e-12)
    # Lin (1991): the divergence is at most the total variation.
    assert jensen_shannon(choice(p), choice(q)) <= abs(p - q) + 1e-9


def test_many_cells_at_once():
    assert total_variation(choice([0.1, 0.5]), choice([0.3, 0.5])) == pytest.approx([0.2, 0])
