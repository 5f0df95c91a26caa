"""One row for each way of asking."""

import polars as pl
import pytest
from made_shards import counted_rows, scored_rows, shard_frame
from tabulate_prompt_formats import compare

FIRST, LAST = "cooperation_first", "cooperation_last"


@pytest.fixture
def table() -> pl.DataFrame:
    rows = []
    for game in ("stag_hunt", "snowdrift"):
        letters = scored_rows("teacher", game, "sports", {(FIRST, "C"): 0.9, (LAST, "C"): 0.6})
        letters += counted_rows("teacher", game, "sports", {FIRST: (90, 10, 0), LAST: (60, 40, 0)})
        reasons = counted_rows("teacher", game, "sports", {FIRST: (40, 40, 20), LAST: (40, 40, 20)})
        rows += [row | {"prompt_format": "choice"} for row in letters]
        rows += [row | {"prompt_format": "motivation_then_choice", "reply_tokens": 30} for row in reasons]
    return compare(shard_frame(rows), 0.95)


def test_each_prompt_format_has_its_own_mean(table):
    assert dict(table.select("prompt_format", "rate").rows()) == {
        "choice": pytest.approx(0.75),
        "motivation_then_choice": pytest.approx(0.5),
    }
    assert table["low"][0] < 0.75 < table["high"][0]


def test_order_bias_needs_exact_scores_and_unreadable_replies_are_bounded(table):
    assert table["order_bias"].to_list() == [pytest.approx(0.3), None]
    assert table["invalid"].to_list() == [0, 80]
    assert table["all_invalid_defect"].to_list() == [pytest.approx(0.75), pytest.approx(0.4)]
    assert table["mean_reply_tokens"].to_list() == [None, 30]
