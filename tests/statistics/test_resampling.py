import numpy as np
import pytest

from tom.statistics import resampling
from tom.statistics.resampling import Counted, Known


def test_rates_weigh_the_orders_equally():
    counted = Counted(np.array([[10, 90]]), np.array([[10, 100]]))
    assert counted.rates() == pytest.approx([0.95])
    assert counted.pooled().rates() == pytest.approx([100 / 110])


def test_a_cell_without_reply_in_one_order_has_no_rate():
    counted = Counted(np.array([[0, 5], [1, 1]]), np.array([[0, 10], [2, 2]]))
    assert np.isnan(counted.rates()).tolist() == [True, False]
    assert counted.cells(np.array([False, True])).rates() == pytest.approx([0.5])


def test_redrawn_rates_have_the_binomial_mean_and_spread():
    counted = Counted(np.array([[30, 120]]), np.array([[150, 150]]))
    draws = counted.redrawn(20_000, np.random.default_rng(1))
    assert draws.shape == (20_000, 1)
    assert draws.mean() == pytest.approx(0.5, abs=0.002)
    # Two halves of variance .2 * .8 / 150 each: sqrt(.16 / 150 / 2).
    assert draws.std() == pytest.approx(0.0231, abs=0.0006)


def test_certain_counts_do_not_vary():
    draws = Counted(np.array([[0], [300]]), np.array([[300], [300]])).redrawn(50, np.random.default_rng(1))
    assert (draws == [0, 1]).all()


def test_the_same_generator_gives_the_same_draws():
    counted = Counted(np.array([[30]]), np.array([[150]]))
    first, second = (counted.redrawn(5, np.random.default_rng(3)) for _ in range(2))
    assert (first == second).all()


def test_known_propensities_do_not_vary():
    known = Known(np.array([[0.2, 0.4], [1.0, 1.0]]))
    assert known.rates() == pytest.approx([0.3, 1.0])
    assert known.redrawn(99, np.random.default_rng(1)) == pytest.approx(np.array([[0.3, 1.0]]))


def test_resamples_are_drawn_in_pieces_of_one_stream(monkeypatch):
    counts = Counted(np.array([[3, 7], [0, 2]]), np.array([[10, 20], [10, 5]]))
    pieces = counts.redrawn(7, np.random.default_rng(1))
    monkeypatch.setattr(resampling, "PIECE", 3)
    assert np.array_equal(counts.redrawn(7, np.random.default_rng(1)), pieces)
