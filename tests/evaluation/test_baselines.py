import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.evaluation.baselines import NEAREST_CELL, fit_constant, fit_offset, nearest_cell, shifted

propensities = st.lists(st.floats(0, 1), min_size=6, max_size=6).map(np.array)


def test_constant_is_the_median():
    assert fit_constant(np.array([0.1, 0.9, 0.2])) == pytest.approx(0.2)


def test_shift_is_the_median_difference_without_clipping():
    teacher, base = np.array([0.5, 0.4, 0.1]), np.array([0.8, 0.6, 0.9])
    assert fit_offset(teacher, base) == pytest.approx(-0.3)


def test_shift_knows_of_clipping():
    # Differences are -.9, -1 and -.1, so their median is -.9; but beyond -.6 the third loses nothing more.
    teacher, base = np.array([0.0, 0.0, 0.5]), np.array([0.9, 1.0, 0.6])
    assert fit_offset(teacher, base) == pytest.approx(-1)
    assert shifted(base, -0.95) == pytest.approx([0.0, 0.05, 0.0])


def test_shift_is_nothing_where_nothing_helps():
    assert fit_offset(np.array([0.4, 0.6]), np.array([0.5, 0.5])) == 0


@given(propensities, propensities)
def test_no_shift_on_a_grid_is_better(teacher, base):
    def distance(shift):
        return np.abs(teacher - shifted(base, shift)).sum()

    best = distance(fit_offset(teacher, base))
    assert all(best <= distance(shift) + 1e-9 for shift in np.linspace(-1, 1, 201))


@given(propensities)
def test_no_constant_on_a_grid_is_better(teacher):
    best = np.abs(teacher - fit_constant(teacher)).sum()
    assert all(best <= np.abs(teacher - value).sum() + 1e-9 for value in np.linspace(0, 1, 101))


def test_the_nearest_cell_is_another_in_the_same_context():
    taught = [("chess", "x"), ("hunt", "x"), ("duel", "x"), ("hunt", "y")]
    teacher = np.array([0.1, 0.3, 0.5, 0.9])
    cells = [("hunt", "x"), ("hunt-x2", "x"), ("hunt", "z"), ("go", "z")]
    # The mean of the two other games; the game itself; the same game elsewhere; everything.
    assert nearest_cell(cells, taught, teacher) == pytest.approx([0.3, 0.3, 0.6, 0.45])


def test_without_another_cell_there_is_no_nearest():
    assert np.isnan(nearest_cell([("hunt", "x")], [("hunt", "x")], np.array([0.5]))).all()


@pytest.mark.parametrize(
    "page",
    [
        "docs/reading_results.md",
        "docs/game_sets.md",
        "docs/data_dictionary.md",
        "workflow/report/workflow.rst",
        "workflow/schemas/tables.yaml",
    ],
)
def test_every_page_defines_the_nearest_cell_in_the_same_words(root, page):
    assert NEAREST_CELL in " ".join((root / page).read_text().replace("**", "").split())
