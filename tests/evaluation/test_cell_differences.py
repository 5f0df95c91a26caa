"""Teachers of each kind: can games and contexts be learnt from them, and do tables and summary say so?"""

from itertools import product

import numpy as np
import pytest
from evaluate_split import evaluate
from made_shards import CONTEXTS, counted_rows, scored_rows, shard_frame, student_rows
from measure_sensitivities import measure
from scipy.stats import chi2_contingency

from tom.evaluation.cell_differences import equal_cells_p_value
from tom.prompts.variants import ORDERS
from tom.reporting.biases import has_nothing_to_transfer, teacher_lines
from tom.statistics.resampling import Counted, Uncertainty

PRECISION = Uncertainty(200, 0.95, 1, 0.1)
GAMES = ("prisoners_dilemma", "snowdrift", "stag_hunt")
CELLS = list(product(GAMES, CONTEXTS))
KINDS = {
    "order": lambda game, context, order, label: 0.9 if order == ORDERS[0] else 0.1,
    "letters": lambda game, context, order, label: 0.8 if label == "C" else 0.2,
    # Every cell at .5 once letters are averaged, however much game and letter go together: the pair of the issue.
    "letters in each game": lambda game, context, order, label: (
        0.5 + 0.1 * GAMES.index(game) * (1 if label == "C" else -1)
    ),
    "games": lambda game, context, order, label: 0.3 + 0.2 * GAMES.index(game),
    "contexts": lambda game, context, order, label: 0.3 + 0.2 * CONTEXTS.index(context),
    "coin": lambda *_: 0.5,
}
LEARNABLE = ("games", "contexts")
"""Kinds of teachers of which a student can learn games or contexts."""


def tables_of(kind: str, exact: bool, replies: int = 150):
    """Diagnostics and sensitivities of a teacher with as many replies in each order of a cell."""
    generator, rows = np.random.default_rng(4), []
    for game, context in CELLS:
        p = {(order, label): KINDS[kind](game, context, order, label) for order in ORDERS for label in "CD"}
        counts = {order: int(generator.binomial(replies, p[order, "C"])) for order in ORDERS}
        counts = {order: (count, replies - count, 0) for order, count in counts.items()}
        rows += scored_rows("teacher", game, context, p) if exact else []
        rows += counted_rows("teacher", game, context, counts)
        for model in ("base", "tuned-seed1"):
            rows += student_rows(model, game, context, 0.5)
    shards = shard_frame(rows)
    reference = shards.filter(model="teacher").vstack(shards.filter(model="base"))
    tables = evaluate(shards, reference, None, "in_sample", PRECISION)
    return tables["diagnostics"], measure(tables["propensities"], PRECISION)["sensitivities"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_teacher_with_exact_propensities_is_judged_by_these(kind):
    diagnostics, sensitivities = tables_of(kind, exact=True)
    row = diagnostics.filter(model="teacher").row(0, named=True)
    exact = [np.mean([KINDS[kind](*cell, order, label) for order in ORDERS for label in "CD"]) for cell in CELLS]
    assert row["cell_sd"] == pytest.approx(np.std(exact), abs=1e-12)
    assert 0.015 < row["cell_noise"] < 0.035  # 300 replies a cell: .029 at .5
    assert has_nothing_to_transfer(row, 0.95) == (kind not in LEARNABLE)
    text = " ".join(" ".join(teacher_lines(diagnostics, sensitivities, "both", 0.95)).split())
    assert ("nothing to transfer" in text) == (kind not in LEARNABLE)
    words = {
        "order": "the option order moves it by 80 percentage points; what is listed first decides, not the letter",
        "letters": "it follows the letter more than the game",
        "coin": "it is so near to chance that neither game nor letter shows",
        "games": "it follows the game more than the letter",
    }
    assert words.get(kind, "") in text
    assert "Variance of its replies due to context / game / noise, %:" in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_teacher_without_scores_is_judged_by_its_replies(kind):
    diagnostics, sensitivities = tables_of(kind, exact=False)
    row = diagnostics.filter(model="teacher").row(0, named=True)
    assert row["cell_sd"] is None and row["letter_change"] is None
    # Nobody has exchanged its letters, so letters that go with games look like games.
    learnable = kind in (*LEARNABLE, "letters in each game")
    assert has_nothing_to_transfer(row, 0.95) != learnable
    text = " ".join(" ".join(teacher_lines(diagnostics, sensitivities, "both", 0.95)).split())
    assert ("nothing to transfer" in text) != learnable
    assert "listing cooperation first moves its propensity by" in text
    assert abs(row["order_difference"] - (0.8 if kind == "order" else 0)) < 0.08


def test_a_recorded_teacher_is_not_described_unless_it_has_nothing_to_transfer():
    diagnostics, sensitivities = tables_of("games", exact=False)
    one_order = diagnostics.with_columns(order_difference=None)
    assert teacher_lines(one_order, sensitivities, "both", 0.95) == []
    assert teacher_lines(diagnostics.clear(), sensitivities, "both", 0.95) == []


def test_few_replies_show_no_difference():
    row = tables_of("games", exact=False, replies=1)[0].filter(model="teacher").row(0, named=True)
    assert has_nothing_to_transfer(row, 0.95)


def test_with_one_order_it_is_pearsons_test():
    counts = Counted(np.array([[3], [9], [14]]), np.array([[20], [25], [20]]))
    table = np.hstack([counts.cooperated, counts.readable - counts.cooperated])
    assert equal_cells_p_value(counts) == pytest.approx(chi2_contingency(table, correction=False).pvalue)


def test_one_cell_or_none_has_no_p_value_and_certain_cells_do_not_differ():
    assert equal_cells_p_value(Counted(np.array([[3]]), np.array([[20]]))) is None
    assert equal_cells_p_value(Counted(np.zeros((0, 2)), np.zeros((0, 2)))) is None
    assert equal_cells_p_value(Counted(np.array([[9, 0], [7, 0]]), np.array([[9, 5], [7, 6]]))) == 1


@pytest.mark.parametrize("together", [(0.5, 0.5), (0.9, 0.1)])
def test_equal_cells_are_called_different_as_rarely_as_stated(together):
    """Whatever the order does: an order effect makes the rates of cells less noisy than pooled replies would be."""
    generator = np.random.default_rng(2)
    readable = np.tile([25, 30], (12, 1))
    draws = [Counted(generator.binomial(readable, together), readable) for _ in range(1000)]
    assert np.mean([equal_cells_p_value(counts) < 0.05 for counts in draws]) == pytest.approx(0.05, abs=0.02)
