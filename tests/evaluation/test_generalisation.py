import numpy as np
import pytest
from scipy.stats import ttest_1samp

from tom.evaluation.aligned_counts import AlignedCounts
from tom.evaluation.equivalence_table import equivalence_rows
from tom.evaluation.generalisation import context_rows, generalisation_rows
from tom.statistics.resampling import Counted, Known, Uncertainty

CELLS = [(game, context) for game in ("chess", "hunt") for context in ("x", "y", "z")]
TEACHER = np.array([0.2, 0.5, 0.8, 0.2, 0.5, 0.8])
KEYS = {"split": "s", "view": "both", "measure": "exact"}


@pytest.fixture
def part():
    teacher = Counted((TEACHER * 300).round().astype(int)[:, None], np.full((6, 1), 300))
    tuned = {"tuned-seed1": Known((TEACHER + 0.05)[:, None]), "tuned-seed2": Known((TEACHER + 0.15)[:, None])}
    return AlignedCounts(CELLS, teacher, Known(np.array([0.9, 0.8, 0.9] * 2)[:, None]), tuned)


def test_every_context_is_shown(part):
    rows = {(row["predictor"], row["context"]): row for row in context_rows(part, part, KEYS)}
    assert len(rows) == 8 * 3
    assert rows["tuned", "x"]["gap"] == pytest.approx(0.1)
    assert rows["tuned", "x"]["gap_closed"] == pytest.approx(1 - 0.1 / 0.7)
    assert rows["chance", "y"]["gap"] == pytest.approx(0)
    # The other game in the same context has the same propensity.
    assert rows["nearest", "z"]["gap"] == pytest.approx(0)


def test_contexts_are_the_sample(part):
    rows = {(row["predictor"], row["against"]): row for row in generalisation_rows(part, part, KEYS, 0.95)}
    leads = np.array([0.7, 0.3, 0.1]) - 0.1
    row = rows["tuned", "base"]
    found = ttest_1samp(leads, 0)
    assert (row["lead"], row["p_value"]) == pytest.approx((leads.mean(), found.pvalue))
    assert (row["low"], row["high"]) == pytest.approx(tuple(found.confidence_interval(0.95)))
    assert (row["contexts"], row["contexts_nearer"]) == (3, 2)
    assert row["share"] == pytest.approx(leads.mean() / (1.1 / 3))
    assert row["p_holm"] >= row["p_value"]
    # The two students differ by .1 in every context.
    assert (row["between_seeds"], row["rest"]) == pytest.approx((0.1 / np.sqrt(2), 0), abs=1e-9)


def test_cells_and_split_are_judged_apart(part):
    rows = equivalence_rows(part, Uncertainty(100, 0.95, 1, 0.1), KEYS)
    cells = [row["verdict"] for row in rows if (row["model"], row["level"]) == ("tuned-seed2", "cell")]
    assert set(cells) == {"different"}
    split = {row["model"]: row for row in rows if row["level"] == "split"}
    assert split["tuned-seed1"]["verdict"] == "equivalent"
    assert split["tuned-seed1"]["difference"] == pytest.approx(0.05)
    assert split["base"]["verdict"] == "different"
    assert all(row["low"] < row["difference"] < row["high"] for row in rows)
    assert all(row["power_in_family"] <= row["power"] for row in rows)


def test_sampled_students_are_judged_by_their_counts(part):
    student = Counted(np.array([60, 150, 240, 0, 150, 300])[:, None], np.full((6, 1), 300))
    sampled = AlignedCounts(CELLS, part.teacher, student, {"tuned-seed1": student})
    rows = [row for row in equivalence_rows(sampled, Uncertainty(100, 0.95, 1, 0.2), KEYS) if row["level"] == "cell"]
    assert [row["verdict"] for row in rows[:6]] == ["equivalent"] * 3 + ["different", "equivalent", "different"]
