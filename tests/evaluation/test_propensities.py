import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_shards import counted_rows, scored_rows, shard_frame, student_rows

from tom.core.errors import UserError
from tom.evaluation.propensities import available_views, count_replies, headline_view, tabulate
from tom.parsing.outcomes import UNREADABLE

FIRST, LAST = "cooperation_first", "cooperation_last"


@pytest.fixture
def counts():
    rows = []
    for game, cooperated in (("snowdrift", 90), ("stag_hunt", 30)):
        rows += counted_rows("teacher", game, "sports", {FIRST: (cooperated, 100 - cooperated, 0)})
        rows += counted_rows("base", game, "sports", {FIRST: (40, 5, 5), LAST: (10, 40, 0)})
        rows += scored_rows("base", game, "sports", {(FIRST, "C"): 0.9, (LAST, "C"): 0.3, (FIRST, "D"): 0.1})
    return count_replies(shard_frame(rows))


def cell(table, **where):
    return table.filter(**where).row(0, named=True)


def test_counts_of_replies(counts):
    row = cell(counts, model="base", game="snowdrift", order=FIRST)
    assert (row["observations"], row["cooperated"], row["defected"], row["invalid"]) == (50, 40, 5, 5)
    assert (row["exact"], row["option_mass"]) == (0.9, 0.9)
    assert cell(counts, model="teacher", game="snowdrift")["exact"] is None
    # Signed, so that a difference of counts can't wrap around.
    assert counts["cooperated"].dtype == pl.Int64


def test_invalid_replies_are_shown_and_never_guessed(counts):
    row = cell(tabulate(counts, ["fixed"], 0.95), model="base", level="cell", game="snowdrift")
    assert row["invalid"] == 5
    assert row["rate"] == pytest.approx(40 / 45)


def test_invalid_replies_are_counted_by_outcome():
    rows = counted_rows("base", "snowdrift", "sports", {FIRST: (3, 4, 3)}, ("refused", "empty"))
    row = cell(tabulate(count_replies(shard_frame(rows)), ["fixed"], 0.95), level="split")
    assert {name: row[name] for name in UNREADABLE if row[name]} == {"refused": 2, "empty": 1}


def test_bounds_count_all_invalid_replies_as_one_action_in_each_order(counts):
    table = tabulate(counts, ["fixed", "both"], 0.95).filter(model="base", level="cell", game="snowdrift")
    bounds = {row["view"]: (row["all_invalid_defect"], row["all_invalid_cooperate"]) for row in table.to_dicts()}
    # 40 + 5 + 5 replies in one order, 10 + 40 in the other: equal weights, whatever an order's number of replies.
    assert bounds["fixed"] == pytest.approx((40 / 50, 45 / 50))
    assert bounds["both"] == pytest.approx(((40 / 50 + 0.2) / 2, (45 / 50 + 0.2) / 2))


numbers = st.tuples(*[st.integers(0, 4)] * 3).filter(any)


@settings(max_examples=25)
@given(first=numbers, last=numbers, unreadable=st.permutations(UNREADABLE))
def test_the_bounds_enclose_the_rate_and_outcomes_add_up(first, last, unreadable):
    rows = counted_rows("base", "snowdrift", "sports", {FIRST: first, LAST: last}, unreadable)
    for row in tabulate(count_replies(shard_frame(rows)), ["fixed", "swapped", "both"], 0.95).to_dicts():
        assert sum(row[name] for name in UNREADABLE) == row["invalid"]
        low, high = row["all_invalid_defect"], row["all_invalid_cooperate"]
        assert 0 <= low <= high <= 1
        assert (low == high) == (row["invalid"] == 0)
        if row["rate"] is not None:
            assert low - 1e-12 <= row["rate"] <= high + 1e-12


def test_views_average_orders_with_equal_weight(counts):
    table = tabulate(counts, ["fixed", "swapped", "both"], 0.95)
    rates = {row["view"]: row["rate"] for row in table.filter(model="base", level="cell", game="snowdrift").to_dicts()}
    assert rates == pytest.approx({"fixed": 40 / 45, "swapped": 0.2, "both": (40 / 45 + 0.2) / 2})
    exact = dict(table.filter(model="base", level="cell", game="snowdrift").select("view", "exact").rows())
    assert exact == pytest.approx({"fixed": 0.9, "swapped": 0.3, "both": 0.6})


def test_a_teacher_asked_in_one_order_has_one_target_in_every_view(counts):
    table = tabulate(counts, ["fixed", "swapped", "both"], 0.95).filter(level="cell", game="snowdrift")
    teacher = table.filter(model="teacher")
    assert teacher["rate"].to_list() == [0.9] * 3
    assert teacher["observations"].to_list() == [100] * 3
    assert dict(teacher.select("view", "pooled").rows()) == {"fixed": False, "swapped": True, "both": True}
    assert not table.filter(model="base")["pooled"].any()


def test_a_teacher_asked_in_both_orders_has_its_answers_of_each_view():
    """The issue's own cell: .531 and .321, which are no .426 in either order."""
    rows = counted_rows("teacher", "stag_hunt", "friendship", {FIRST: (531, 469, 0), LAST: (321, 679, 0)})
    rows += scored_rows("teacher", "stag_hunt", "friendship", {(FIRST, "C"): 0.53, (LAST, "C"): 0.32})
    rows += student_rows("base", "stag_hunt", "friendship", 0.5)
    table = tabulate(count_replies(shard_frame(rows)), ["fixed", "swapped", "both"], 0.95)
    shown = table.filter(model="teacher", level="cell").select("view", "rate", "exact", "observations", "pooled")
    assert {row[0]: row[1:] for row in shown.rows()} == {
        "fixed": (0.531, 0.53, 1000, False),
        "swapped": (0.321, 0.32, 1000, False),
        "both": (pytest.approx(0.426), pytest.approx(0.425), 2000, False),
    }


def test_a_teacher_that_was_not_asked_in_both_orders_everywhere_is_pooled_in_every_cell():
    rows = counted_rows("teacher", "snowdrift", "sports", {FIRST: (10, 0, 0), LAST: (0, 30, 0)})
    rows += counted_rows("teacher", "stag_hunt", "sports", {FIRST: (10, 10, 0)})
    for game in ("snowdrift", "stag_hunt"):
        rows += student_rows("base", game, "sports", 0.5)
    table = tabulate(count_replies(shard_frame(rows)), ["fixed", "both"], 0.95).filter(model="teacher", level="cell")
    assert table.filter(view="both")["rate"].to_list() == [0.25, 0.5]
    assert table.filter(view="fixed")["rate"].to_list() == [1.0, 0.5]


def test_higher_levels_pool_counts(counts):
    table = tabulate(counts, ["both"], 0.95)
    row = cell(table, model="teacher", level="context")
    assert (row["context"], row["game"], row["cooperated"], row["rate"]) == ("sports", None, 120, 0.6)
    assert cell(table, model="base", level="split")["observations"] == 200
    assert table.filter(level="game").height == 4


def test_a_cell_without_readable_reply_has_no_rate():
    rows = counted_rows("base", "snowdrift", "sports", {FIRST: (0, 0, 9), LAST: (3, 6, 0)})
    table = tabulate(count_replies(shard_frame(rows)), ["fixed", "both"], 0.95).filter(level="cell")
    assert table["rate"].to_list() == [None, None]
    row = cell(table, view="fixed")
    assert (row["low"], row["high"], row["invalid"]) == (0, 1, 9)


@pytest.mark.parametrize(
    ("orders", "views"), [([FIRST], ["fixed"]), ([LAST], ["swapped"]), ([FIRST, LAST], ["fixed", "swapped", "both"])]
)
def test_views_follow_the_students_orders(orders, views):
    rows = counted_rows("teacher", "snowdrift", "sports", {FIRST: (1, 1, 0)})
    rows += student_rows("base", "snowdrift", "sports", 0.5, orders=orders)
    found = available_views(count_replies(shard_frame(rows)))
    assert found == views
    assert headline_view(found) == views[-1]


def test_a_shard_given_twice_is_refused():
    rows = student_rows("base", "snowdrift", "sports", 0.5)
    with pytest.raises(UserError, match="given twice: the shard of base for snowdrift in sports"):
        count_replies(shard_frame(rows + rows))
