import polars as pl
import pytest
from made_shards import counted_rows, reasoned_rows, scored_rows, shard_frame

from tom.evaluation.rates import group_replies, order_rates
from tom.statistics.intervals import jeffreys


@pytest.fixture
def shards():
    counts = {"cooperation_first": (6, 2, 2), "cooperation_last": (0, 0, 10)}
    rows = counted_rows("base", "stag_hunt", "business", counts, ("refused", "empty"))
    exact = {(order, label): 0.75 for order in counts for label in "CD"}
    frame = shard_frame(rows + scored_rows("base", "stag_hunt", "business", exact, option_mass=0.5))
    return frame.with_columns(prompt_sha256=pl.concat_str(pl.lit("of "), "order"))


def test_an_order_has_its_own_rate_interval_and_counts(shards):
    first, last = order_rates(shards, 0.95).to_dicts()
    assert (first["order"], first["rate"], first["exact"], first["option_mass"]) == (
        "cooperation_first",
        0.75,
        0.75,
        0.5,
    )
    assert (first["low"], first["high"]) == tuple(float(end) for end in jeffreys(6, 8, 0.95))
    assert (first["observations"], first["invalid"], first["refused"], first["empty"]) == (10, 2, 1, 1)
    assert first["prompt_sha256"] == "of cooperation_first"
    assert last["rate"] is None
    assert last["invalid"] == 10


def test_equal_replies_are_one_row_with_their_number():
    letters = ["C", "D", "C", None] * 2
    rows = reasoned_rows("base", "stag_hunt", "business", letters)
    for row in rows:
        row["raw"] = row["raw"].split(".")[0]
    replies = group_replies(shard_frame(rows))
    assert replies.select("order", "action", "outcome", "raw", "replies").rows() == [
        ("cooperation_first", "cooperate", "read", "C", 4),
        ("cooperation_last", "defect", "read", "D", 2),
        ("cooperation_last", None, "off_format", "None", 2),
    ]


def test_replies_without_text_are_counted(shards):
    replies = group_replies(shards)
    assert replies["replies"].sum() == 20
    assert replies["raw"].null_count() == replies.height == 6


def test_shards_that_are_read_piece_by_piece_give_the_same_tables(shards):
    assert order_rates(shards.lazy(), 0.95).equals(order_rates(shards, 0.95))
    assert group_replies(shards.lazy()).equals(group_replies(shards))
