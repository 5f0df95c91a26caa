"""Teacher and student in one model of choice."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit
from scipy.stats import chi2, f

from tom.core.frames import table_schema
from tom.evaluation.joint_choice_model import compare_choices, joint_rows
from tom.evaluation.sensitivities import Layout
from tom.evaluation.sensitivity_table import sensitivity_tables
from tom.reporting.findings import joint_line
from tom.statistics.resampling import Counted, Uncertainty

GAMES, CONTEXTS = ["a", "b", "c"], ["x", "y"]
CELLS = [(game, context) for game in GAMES for context in CONTEXTS]
ODDS = (np.array([[0.4], [0.0], [-0.4]]) + np.array([-0.8, 0.8])).ravel()
GAME = np.repeat([0.5, -0.25, -0.25], 2)
CONTEXT = np.tile([-0.5, 0.5], 3)


def counts(propensities, size=300) -> Counted:
    cooperated = np.round(np.broadcast_to(propensities, 6) * size).astype(int)[:, None]
    return Counted(cooperated, np.full_like(cooperated, size))


def compared(teacher, student) -> dict[str, dict]:
    return {row["term"]: row for row in compare_choices(Layout(GAMES, CONTEXTS), teacher, student, 0.95)}


def deviance(design, cooperated, readable) -> float:
    counted = np.column_stack([cooperated, readable - cooperated])
    return sm.GLM(counted, design, family=sm.families.Binomial()).fit().deviance


def test_without_separation_the_tests_are_likelihood_ratios_of_ordinary_regressions():
    teacher, student = counts(expit(ODDS)), counts(expit(ODDS + 0.3 + 0.4 * GAME))
    rows = compared(teacher, student)
    cooperated = np.concatenate([teacher.cooperated[:, 0], student.cooperated[:, 0]])
    student_of = np.repeat([0.0, 1.0], 6)
    # Dummies in place of deviations: another coding of the same model.
    cell = np.tile(np.eye(6), (2, 1))
    game, context = (np.array([[name == level for level in levels[1:]] for name in names], float) for names, levels in (
        ([game for game, _ in CELLS] * 2, GAMES), ([context for _, context in CELLS] * 2, CONTEXTS)))  # fmt: skip
    parts = {"game": game * student_of[:, None], "context": context * student_of[:, None]}
    base = [cell, student_of[:, None]]
    whole = deviance(np.hstack([*base, *parts.values()]), cooperated, 300)
    for dropped, kept in (("game", "context"), ("context", "game")):
        ratio = deviance(np.hstack([*base, parts[kept]]), cooperated, 300) - whole
        row = rows[f"model:{dropped}"]
        degrees = parts[dropped].shape[1]
        assert row["degrees"] == degrees
        assert row["statistic"] == pytest.approx(ratio, rel=0.02, abs=0.02)
    assert rows["model"]["residual_degrees"] == 2


def test_a_p_value_is_the_larger_of_two():
    odd = np.array([1.0, -1.0, -1.0, 1.0, 1.0, -1.0])
    for lapse, of_cells in ((0.0, False), (0.6, True)):
        row = compared(counts(expit(ODDS)), counts(expit(ODDS + GAME + lapse * odd)))["model:game"]
        by_noise = chi2.sf(row["statistic"], 2)
        by_cells = f.sf(row["statistic"] / 2 / row["overdispersion"], 2, row["residual_degrees"])
        assert (by_cells > by_noise) and (row["overdispersion"] > 1) == of_cells
        assert row["p_value"] == pytest.approx(max(by_noise, by_cells))
    tiny = compared(counts(0.5, 10), counts(np.array([0.6, 0.6, 0.4, 0.4, 0.5, 0.5]), 10))["model:game"]
    assert tiny["p_value"] == pytest.approx(chi2.sf(tiny["statistic"], 2))


def test_the_mean_difference_is_that_of_the_rates():
    teacher, student = counts(expit(ODDS)), counts(expit(ODDS + 0.3))
    row = compared(teacher, student)["model"]
    assert row["estimate"] == pytest.approx((student.rates() - teacher.rates()).mean(), abs=0.001)
    assert row["low"] < row["estimate"] < row["high"]
    # Two independent proportions a cell, whose variances add up; next to no overdispersion.
    error = np.sqrt(sum(one.rates() @ (1 - one.rates()) / 300 for one in (teacher, student))) / 6
    assert row["high"] - row["estimate"] == pytest.approx(1.96 * error, rel=0.02)


def test_a_student_of_another_mean_alone_has_the_teachers_sensitivity():
    rows = compared(counts(expit(ODDS), 100_000), counts(expit(ODDS + 0.7), 100_000))
    assert rows["model"]["p_holm"] < 0.001
    assert rows["model:game"]["p_holm"] > 0.5 and rows["model:context"]["p_holm"] > 0.5


@pytest.mark.parametrize(("added", "term", "other"), [(GAME, "game", "context"), (CONTEXT, "context", "game")])
def test_another_sensitivity_is_found_in_its_factor(added, term, other):
    rows = compared(counts(expit(ODDS), 2000), counts(expit(ODDS + added), 2000))
    assert rows[f"model:{term}"]["p_holm"] < 0.05 < rows[f"model:{other}"]["p_holm"]
    assert rows[f"model:{term}"]["estimate"] > 5 * rows[f"model:{other}"]["estimate"]


def test_an_interaction_that_both_share_is_no_overdispersion():
    odd = ODDS + np.array([1, -1, -1, 1, 1, -1])
    assert compared(counts(expit(odd)), counts(expit(odd + 0.5)))["model"]["overdispersion"] < 0.1
    assert compared(counts(expit(odd)), counts(expit(ODDS)))["model"]["overdispersion"] > 5


@pytest.mark.parametrize("propensity", [0.0, 0.5, 1.0, np.array([0, 1, 0, 1, 0.5, 1])])
def test_identical_models_differ_in_nothing_even_where_choices_are_certain(propensity):
    rows = compared(counts(propensity), counts(propensity))
    for row in rows.values():
        assert row["p_holm"] == pytest.approx(1) and row["statistic"] == pytest.approx(0, abs=1e-6)
    assert rows["model"]["low"] < 0 < rows["model"]["high"]


def test_opposite_certainties_are_finite_and_different():
    rows = compared(counts(0.0), counts(1.0))
    assert rows["model"]["estimate"] == pytest.approx(1, abs=0.01)
    assert all(np.isfinite(row["statistic"]) for row in rows.values())
    assert rows["model"]["p_value"] < 1e-4 < 0.9 < rows["model:game"]["p_value"]


def test_one_context_leaves_games_a_chi_square():
    teacher, student = Counted(np.array([[30], [60]]), np.full((2, 1), 100)), Counted(
        np.array([[60], [30]]), np.full((2, 1), 100)
    )  # fmt: skip
    rows = joint_rows([("a", "x"), ("b", "x")], {"teacher": teacher, "base": student}, 0.95)
    assert [row["term"] for row in rows] == ["model", "model:game"]
    row = rows[1]
    assert (row["degrees"], row["residual_degrees"], row["overdispersion"]) == (1, 0, None)
    assert row["p_value"] == pytest.approx(chi2.sf(row["statistic"], 1))
    # Log odds ratios of -1.25 and 1.25, each with a variance of 1/30 + 1/70 + 1/60 + 1/40.
    wald = (2 * np.log(60 * 70 / (30 * 40))) ** 2 / (2 * (1 / 30 + 1 / 70 + 1 / 60 + 1 / 40))
    assert row["statistic"] == pytest.approx(wald, rel=0.05)


@pytest.mark.parametrize("cells", [CELLS[:-1], CELLS[:1]])
def test_an_incomplete_layout_has_no_rows(cells):
    answers = {"teacher": Counted(np.ones((len(cells), 1)), np.full((len(cells), 1), 2))}
    assert joint_rows(cells, answers | {"base": answers["teacher"]}, 0.95) == []


@pytest.fixture
def table():
    models = {"teacher": counts(expit(ODDS)), "base": counts(expit(ODDS / 3 + 1))}
    models |= {"tuned-seed1": counts(expit(ODDS)), "tuned-seed2": counts(expit(ODDS + 2 * CONTEXT))}
    by_view = {"both": {"in_sample": (CELLS, models)}}
    return sensitivity_tables(by_view, Uncertainty(100, 0.95, 1, 0.1))["joint_choice_model"]


def test_every_student_has_its_family(table):
    assert dict(table.schema) == table_schema("joint_choice_model")
    assert table.group_by("model").len().sort("model").rows() == [("base", 3), ("tuned-seed1", 3), ("tuned-seed2", 3)]


def test_the_summary_says_whose_sensitivity_is_another(table):
    line = " ".join(joint_line(table, "both", 0.95).split())
    assert line.startswith("- Reactions unlike the teacher's, in sample (joint model): base, context")
    assert "tuned, context (1 of 2 seeds). Mean propensity" in line
    same = table.filter(model="tuned-seed1")
    said = " ".join(joint_line(same, "both", 0.95).split()).replace("+0.0", "-0.0")
    assert "tuned, none shown. Mean" in said and "tuned, -0.0 (" in said
    assert joint_line(table.clear(), "both", 0.95) is None
