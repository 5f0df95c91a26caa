"""No estimator ends a run: few, separated, constant or unreadable replies give values, or null and a reason."""

from itertools import product

import evaluate_numbers
import numpy as np
import polars as pl
import pytest
from evaluate_split import evaluate
from made_shards import counted_rows, scored_rows, shard_frame
from measure_sensitivities import measure

from tom.evaluation.alignment import gap_of, share_interval
from tom.evaluation.improvement_summary import improvement_summary
from tom.evaluation.joint_choice_model import joint_rows
from tom.evaluation.sensitivities import sensitivity_rows
from tom.evaluation.students_table import Comparison, students_table
from tom.evaluation.transfer_matrix import transfer_matrix
from tom.paper.published_choices import read_published_split
from tom.prompts.variants import ORDERS
from tom.reporting.findings import headline, number_parts
from tom.reporting.summary import summary_lines
from tom.sampling.recorded import replay_contributions
from tom.sampling.shards import NUMBER_COLUMNS
from tom.statistics.clusters import mean_of_clusters, ratio_of_clusters
from tom.statistics.equivalence import equivalence_p_value, known_equivalence_p_value
from tom.statistics.fieller import INTERVAL
from tom.statistics.firth import fit_firth
from tom.statistics.intervals import jeffreys, wilson
from tom.statistics.resampling import Counted, Uncertainty
from tom.statistics.two_proportions import equal_counts_p_value, equals_known_p_value, newcombe, score_p_value

pytestmark = pytest.mark.filterwarnings("error")
PRECISION = Uncertainty(10, 0.95, 1, 0.1)
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
    for teacher, student in some(len(cells), 30):
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


# Estimators of two or three counts


@pytest.mark.parametrize("first", [*FEW, (0, 0), (0, 300), (1, 300), (300, 300)])
def test_tests_and_intervals_of_two_counts_are_probabilities_or_undefined(first):
    for second in [*FEW, (0, 0), (0, 300), (300, 300)]:
        empty = first[1] == 0 or second[1] == 0
        for p_value in (
            equal_counts_p_value(first, second),
            equivalence_p_value(first, second, 0.1),
            score_p_value(first, second, 0.0, "larger"),
        ):
            assert np.isnan(p_value) if empty else 0 <= p_value <= 1
        low, high = newcombe(first, second, 0.95)
        assert -1 <= low <= high <= 1
    for propensity in (0.0, 0.3, 1.0):
        for p_value in (equals_known_p_value(first, propensity), known_equivalence_p_value(first, propensity, 0.1)):
            assert np.isnan(p_value) if first[1] == 0 else 0 <= p_value <= 1
    for interval in (jeffreys, wilson):
        low, high = interval([first[0]], [first[1]], 0.95)
        assert 0 <= low[0] <= high[0] <= 1


def test_shares_and_improvements_of_few_replies_are_finite_or_undefined():
    generator = np.random.default_rng(2)
    for _ in range(100):
        teacher, base, student = (counts_of([FEW[i] for i in generator.integers(0, len(FEW), 2)]) for _ in range(3))
        drawn = teacher.redrawn(10, generator)
        gap, of_base = (gap_of(teacher, drawn, answers, generator) for answers in (student, base))
        for whole in (gap, of_base):
            share, low, high = share_interval(gap, whole, of_base, 0.95)
            assert np.isfinite([share, low, high]).all() or np.isnan(share)
        for row in improvement_summary(base, student, teacher, PRECISION, "few"):
            complete = np.isfinite([row["estimate"], row["low"]]).all()
            assert complete == (row.get("not_estimated") is None)


@pytest.mark.parametrize("values", [[], [0.1], [0.0, 0.0], [0.1, 0.1, 0.1], [np.nan, 0.1]])
def test_few_contexts_have_a_mean_and_a_ratio_or_none(values):
    found = mean_of_clusters(values, 0.95)
    assert np.isfinite(found.low) == (len(values) > 1 and np.isfinite(values).all())
    for others in ([0.0] * len(values), [0.2] * len(values)):
        bounded = len(values) > 1 and np.isfinite(values).all() and others[0] > 0
        assert (ratio_of_clusters(values, others, 0.95).kind == INTERVAL) == bounded


# Whole tables, from shards


CELLS = {
    "one cell": [("stag_hunt", "business")],
    "one game": [("stag_hunt", "business"), ("stag_hunt", "friendship")],
    "one context": [("stag_hunt", "business"), ("prisoners_dilemma", "business")],
    "scaled": [("stag_hunt", "business"), ("stag_hunt-x2", "business")],
    "four cells": [
        (game, context) for game in ("stag_hunt", "prisoners_dilemma") for context in ("business", "friendship")
    ],
}
ANSWERS = ("few", "separated", "equal", "silent", "silent base")


def few_shards(cells: list[tuple[str, str]], answers: str, scores: bool) -> pl.DataFrame:
    """Shards of a teacher, a base and two students with up to three replies of a kind in a cell."""
    generator = np.random.default_rng(1)
    rows = []
    for game, context in cells:
        same = (*map(int, generator.integers(0, 3, 2)), 1)
        for model in ("teacher", "base", "tuned-seed1", "tuned-seed2"):
            for order in ORDERS[: 1 if model == "teacher" else 2]:
                kinds = {
                    "few": (*map(int, generator.integers(0, 3, 2)), 1),
                    "separated": [(2, 0, 0), (0, 2, 0)][int(generator.integers(2))],
                    "equal": same,
                    "silent": (0, 0, 2),
                    "silent base": (0, 0, 2) if model == "base" else (1, 2, 0),
                }
                rows += counted_rows(model, game, context, {order: kinds[answers]})
            if scores and model != "teacher":
                p = float(generator.choice([0, 0.5, 1]))
                rows += scored_rows(model, game, context, {(order, label): p for order in ORDERS for label in "CD"})
    # A cell may not have the numbers of its observations twice.
    frame = shard_frame(rows)
    number = pl.int_range(pl.len()).over("record", "model", "game", "context").cast(frame["observation"].dtype)
    return frame.with_columns(observation=number)


def unexplained(table: pl.DataFrame, column: str) -> pl.DataFrame:
    """Rows that have neither a value nor a reason."""
    return table.filter(pl.col(column).is_null(), pl.col("not_estimated").is_null())


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("answers", ANSWERS)
def test_a_run_of_few_replies_has_every_table_and_a_summary(cells, answers, resources):
    paper = resources / "paper" / "observed_choices.csv", resources / "paper" / "observed_contributions.csv"
    published = read_published_split(paper[0], "in_sample")
    # Every other one with exact scores.
    scores = (len(CELLS[cells]) + ANSWERS.index(answers)) % 2 == 0
    shards = few_shards(CELLS[cells], answers, scores)
    untuned = shards.filter(pl.col("model").is_in(["teacher", "base"]))
    tuned = shards.filter(pl.col("model").str.starts_with("tuned"))
    tables = evaluate(shards, untuned, published, "in_sample", PRECISION)
    tables |= measure(tables["propensities"], PRECISION)
    for name, column in {
        "alignment": "gap_closed", "contexts": "gap_closed", "generalisation": "lead",
        "improvement_summaries": "estimate", "sensitivities": "estimate", "joint_choice_model": "estimate",
    }.items():  # fmt: skip
        assert unexplained(tables[name], column).is_empty(), name
    text = "\n".join(summary_lines(tables, *paper, "Small", "Large"))
    words = headline(tables["alignment"], "Small", "Large")
    if answers.startswith("silent") and not (scores and answers == "silent base"):
        reason = "base gave no readable reply" if answers == "silent base" else "gave no readable reply"
        assert "Not estimated: gap closed of" in text and reason in " ".join(text.split()) and reason in words
    assert unexplained(transfer_matrix(untuned, {"nothing": tuned}, PRECISION), "gap_closed").is_empty()
    groups = Comparison("group", {"first": "a"}, "a")
    found = students_table(untuned, {"a": tuned, "b": tuned}, untuned, "in_sample", PRECISION, groups)
    assert unexplained(found, "gap_closed").is_empty()


@pytest.mark.parametrize("teacher", [{}, {7: 1}, {7: 3}, {0: 2, 10: 2}])
@pytest.mark.parametrize("base", [{7: 1}, {0: 5}, {3: 2, 4: 1}, {}])
def test_few_numbers_have_gaps_or_a_reason(teacher, base, resources):
    models = {"teacher": teacher, "base": base, "tuned-seed1": {7: 1}, "tuned-seed2": {0: 1, 10: 1}}
    cell = {"game": "public_goods", "context": "neutral"}
    rows = [row for model, given in models.items() for row in replay_contributions(given, cell | {"model": model})]
    rows += [cell | {"record": "observation", "model": model, "outcome": "refused"} for model in models]
    columns = {name: [row.get(name) for row in rows] for name in NUMBER_COLUMNS}
    shards = pl.DataFrame([pl.Series(name, values, NUMBER_COLUMNS[name]) for name, values in columns.items()])
    published = resources / "paper" / "observed_contributions.csv"
    tables = evaluate_numbers.evaluate(shards, {"public_goods": range(11)}, published, "goods", PRECISION)
    gaps = tables["number_gaps"]
    assert gaps.is_empty() == (not teacher or not base)
    assert unexplained(gaps.filter(~pl.col("predictor").is_in(["base", "paper_base"])), "gap_closed").is_empty()
    text = "\n".join(line for parts in number_parts(tables["number_means"], gaps) for part in parts for line in part)
    assert ("not compared" in text) == gaps.is_empty()
