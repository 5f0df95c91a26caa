"""No estimator ends a run: few, separated, constant or unreadable replies give values, or null and a reason."""

from itertools import product

import numpy as np
import pytest

from tom.evaluation.joint_choice_model import joint_rows
from tom.evaluation.sensitivities import sensitivity_rows
from tom.statistics.firth import fit_firth
from tom.statistics.resampling import Counted, Uncertainty

pytestmark = pytest.mark.filterwarnings("error")
PRECISION = Uncertainty(20, 0.95, 1, 0.1)
FEW = [(cooperated, readable) for readable in range(1, 6) for cooperated in range(readable + 1)]
"""Counts of up to five readable replies; counts_of leaves out cells without any."""
LAYOUTS = {
    "contexts": [("a", "x"), ("a", "y")],
    "games": [("a", "x"), ("b", "x"), ("c", "x")],
    "both": [(game, context) for game in "ab" for context in "xy"],
}


def counts_of(pairs) -> Counted:
    return Counted(*(np.array(values)[:, np.newaxis] for values in zip(*pairs, strict=True)))


def some(cells: int, number: int) -> list[tuple]:
    """So many samples of counts for teacher and student, among them equal ones and separated ones."""
    generator = np.random.default_rng(1)
    drawn = [[FEW[i] for i in generator.integers(0, len(FEW), 2 * cells)] for _ in range(number)]
    ends = [list(pairs) for pairs in product([(0, 1), (1, 1), (0, 5), (5, 5)], repeat=cells)]
    return [(pairs[:cells], pairs[cells:]) for pairs in drawn] + [(pairs, pairs) for pairs in ends[:: len(ends) // 16]]


def missing(row: dict) -> bool:
    """Whether a row has no estimate, or no p-value where its kind has one."""
    tested = row.get("quantity", "marginal_effect") in ("marginal_effect", "mean_reaction")
    values = [row.get("estimate"), *([row.get("p_value")] if tested else [])]
    return any(value is None or not np.isfinite(value) for value in values)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_few_replies_are_estimated_or_have_a_reason(layout):
    cells = LAYOUTS[layout]
    for teacher, student in some(len(cells), 60):
        answers = {"teacher": counts_of(teacher), "base": counts_of(student)}
        rows = sensitivity_rows(cells, answers, PRECISION, "few")
        assert {row["quantity"] for row in rows} == {"marginal_effect", "variance_share", "slope_on_teacher"}
        for row in [*rows, *joint_rows(cells, answers, 0.95)]:
            assert missing(row) == bool(row.get("not_estimated")), (teacher, student, row)


def test_a_fit_that_fails_leaves_its_rows_empty_and_says_why(monkeypatch):
    for module in ("sensitivities", "joint_choice_model"):
        monkeypatch.setattr(f"tom.evaluation.{module}.fit_firth", lambda *given, **more: fit_firth(*given, steps=1))
    answers = {name: counts_of([(0, 1), (3, 5), (1, 1), (4, 4)]) for name in ("teacher", "base")}
    rows = [
        row for row in sensitivity_rows(LAYOUTS["both"], answers, PRECISION) if row["quantity"] == "marginal_effect"
    ]
    rows += joint_rows(LAYOUTS["both"], answers, 0.95)
    assert len(rows) == 2 * 4 + 3
    assert all(missing(row) and row.get("not_estimated") == "the fit did not converge in 1 steps" for row in rows)


def test_one_game_has_no_effect_on_a_model():
    answers = dict.fromkeys(("teacher", "base"), counts_of([(1, 5), (4, 5)]))
    rows = sensitivity_rows(LAYOUTS["contexts"], answers, PRECISION)
    reasons = {(row["quantity"], row["factor"]): row.get("not_estimated") for row in rows if row["model"] == "base"}
    assert reasons["marginal_effect", "game"] == reasons["slope_on_teacher", "game"] == "there is only one game"
    assert reasons["marginal_effect", "context"] is None
