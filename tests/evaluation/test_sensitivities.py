import numpy as np
import pytest
from measure_sensitivities import measure

from tom.evaluation.reactions import matched, reaction_rows, reaction_summary
from tom.evaluation.sensitivities import Layout, marginal_effects, sensitivity_rows, slope
from tom.statistics.resampling import Counted, Uncertainty

PRECISION = Uncertainty(300, 0.95, 1, 0.1)
GAMES, CONTEXTS = ("a", "b", "c"), ("x", "y")
CELLS = [(game, context) for game in GAMES for context in CONTEXTS]
EFFECTS = np.array([[0.1], [0.0], [-0.1]]) + np.array([-0.2, 0.2])


def counts(propensities, size=10_000) -> Counted:
    cooperated = np.round(np.ravel(propensities) * size).astype(int)[:, None]
    return Counted(cooperated, np.full_like(cooperated, size))


def of(rows, quantity, factor, model="student"):
    return {
        row.get("level"): row
        for row in rows
        if (row["model"], row["quantity"], row["factor"]) == (model, quantity, factor)
    }


def test_effects_are_an_analysis_of_variance():
    rates = np.array([0.1, 0.4, 0.3, 0.9, 0.2, 0.5])
    parts = Layout(list(GAMES), list(CONTEXTS)).effects(rates)
    assert sum(parts.values()) + rates.mean() == pytest.approx(rates)
    squares = sum((part**2).sum() for part in parts.values())
    assert squares == pytest.approx(((rates - rates.mean()) ** 2).sum())
    assert parts["context"][:2] == pytest.approx([-0.2, 0.2])


def test_noise_is_what_equal_cells_show():
    layout, generator = Layout(list(GAMES), list(CONTEXTS)), np.random.default_rng(1)
    rates = generator.binomial(300, 0.4, (20_000, 6)) / 300
    expected = layout.noise(np.full(6, 0.4 * 0.6 / 300))
    for name, part in layout.effects(rates).items():
        assert (part**2).sum(axis=-1).mean() == pytest.approx(expected[name], rel=0.05)


def test_marginal_effects_are_found_and_need_no_reference_level():
    rows = marginal_effects(Layout(list(GAMES), list(CONTEXTS)), counts(0.5 + EFFECTS), 0.95)
    found = {row["level"]: row["estimate"] for row in rows}
    assert found == pytest.approx({"a": 0.1, "b": 0.0, "c": -0.1, "x": -0.2, "y": 0.2}, abs=0.005)
    assert all(row["low"] < row["estimate"] < row["high"] for row in rows)


def test_a_student_of_half_the_sensitivity_has_a_slope_of_half_whatever_its_mean():
    answers = {"teacher": counts(0.5 + EFFECTS), "student": counts(0.3 + EFFECTS / 2)}
    rows = sensitivity_rows(CELLS, answers, PRECISION, "test")
    for factor in ("game", "context"):
        row = of(rows, "slope_on_teacher", factor)[None]
        assert row["estimate"] == pytest.approx(0.5, abs=0.01)
        assert row["low"] < 0.5 < row["high"]


def test_a_student_that_learnt_the_mean_alone_has_no_sensitivity():
    answers = {"teacher": counts(0.5 + EFFECTS), "student": counts(np.full(6, 0.5))}
    rows = sensitivity_rows(CELLS, answers, PRECISION, "test")
    assert of(rows, "slope_on_teacher", "context")[None]["estimate"] == pytest.approx(0, abs=1e-9)
    shares = {factor: of(rows, "variance_share", factor, "teacher")[None]["estimate"] for factor in ("game", "context")}
    # Sums of squares 4 * .01 and 6 * .04 of them both.
    assert shares == pytest.approx({"game": 0.04 / 0.28, "context": 0.24 / 0.28}, abs=0.001)


def test_noise_alone_is_no_sensitivity_to_learn():
    assert np.isnan(slope(np.array([0.01, -0.01]), np.array([0.2, -0.2]), 0.001))
    assert slope(np.array([0.2, -0.2]), np.array([0.1, -0.1]), 0.04) == pytest.approx(0.04 / 0.04)


@pytest.mark.parametrize("cells", [CELLS[:-1], CELLS[:1]])
def test_an_incomplete_layout_has_no_rows(cells):
    answers = {"teacher": counts(np.full(len(cells), 0.5))}
    assert sensitivity_rows(cells, answers, PRECISION, "test") == []


def test_certain_cells_have_finite_effects():
    rows = marginal_effects(Layout(list(GAMES), list(CONTEXTS)), counts([0, 1, 0, 1, 0, 1], 300), 0.95)
    assert np.isfinite([row[name] for row in rows for name in ("estimate", "low", "high", "p_holm")]).all()


def test_scaled_cells_find_their_originals():
    taught = [("hunt", "x"), ("hunt", "y"), ("chess", "y")]
    cells = [("hunt-x2", "y"), ("hunt-x2", "z"), ("hunt", "x")]
    assert matched(taught, cells) == ([("hunt-x2", "y")], [0], [1])
    assert matched(taught, [("hunt", "x")]) == ([], [], [])


def test_reactions_by_hand():
    cells = [("hunt-x2", "x"), ("hunt-x2", "y")]
    original = {"teacher": counts([0.5, 0.5], 300), "student": counts([0.6, 0.6], 300)}
    scaled = {"teacher": counts([0.7, 0.3], 300), "student": counts([0.7, 0.5], 300)}
    rows = reaction_rows(cells, original, scaled, 0.95)
    assert [row["difference"] for row in rows] == pytest.approx([0.2, -0.2, 0.1, -0.1])
    assert all(row["low"] < row["difference"] < row["high"] for row in rows)
    found = reaction_summary(original, scaled, rows, PRECISION, "test")
    assert of(found, "mean_reaction", "scale", "teacher")[None]["estimate"] == pytest.approx(0)
    assert of(found, "cells_reacting", "scale", "teacher")["holm"]["estimate"] == 2
    assert of(found, "slope_on_teacher", "scale")[None]["estimate"] == pytest.approx(0.5, abs=0.05)


def test_every_view_of_every_split_is_measured(resources):
    from made_tables import SPLITS, made_tables

    propensities = made_tables(resources)["propensities"]
    found = measure(propensities, PRECISION)["sensitivities"]
    assert set(found["split"]) == set(SPLITS)
    assert set(found["view"]) == {"both", "fixed", "swapped"}
    slopes = found.filter(quantity="slope_on_teacher", factor="context", view="both", model="tuned-seed1")
    assert slopes["estimate"].to_list() == pytest.approx([1.0] * 3, abs=0.05)
