import polars as pl
import pytest
from made_page import hostile_run

from tom.evaluation.rates import group_replies
from tom.evaluation.split_tables import with_split
from tom.page import replies as module
from tom.page.replies import Cap, capped, transcripts, unreadable_tables, with_result

DICTIONARY = {"replies": {}}


@pytest.fixture(scope="module")
def replies():
    return with_split(group_replies(hostile_run()), "in_sample")


def test_a_small_run_is_shown_whole_but_for_its_longest_text(replies):
    found = transcripts(replies, DICTIONARY, [])
    assert found.cap == module.CAPS[0]
    assert (found.replies, found.without_text) == (4800, 1200)
    assert (found.left_out, found.left_out_texts, found.shortened) == (0, 0, 1)
    assert not found.whole
    assert len(found.table.rows) == replies.height


def test_what_does_not_fit_is_left_out_and_counted(replies, monkeypatch):
    monkeypatch.setattr(module, "CHARACTERS", 1)
    found = transcripts(replies, DICTIONARY, [])
    assert found.cap == module.CAPS[-1]
    assert found.left_out_texts == replies.height - len(found.table.rows) > 0
    numbers = [column.name for column in found.table.columns].index("replies")
    assert found.left_out + sum(int(row[numbers]) for row in found.table.rows) == found.replies


def test_the_most_frequent_texts_of_each_result_stay(replies):
    kept = capped(with_result(replies), Cap(1, 3))
    groups = kept.select(module.GROUP)
    assert groups.is_unique().all()
    assert set(with_result(replies).select(module.GROUP).rows()) == set(groups.rows())
    letters = kept.filter(model="base", game="stag_hunt", context="business", result="defect")
    assert set(letters["raw"]) == {"D"}
    assert kept["raw"].str.len_chars().max() == len("abc …")


def test_a_result_is_the_action_or_why_there_is_none(replies):
    assert set(with_result(replies)["result"]) == {"cooperate", "defect", "off format", "empty"}


def test_unreadable_replies_are_counted_and_shown(replies):
    counts, examples = unreadable_tables(replies, DICTIONARY, [])
    names = [column.name for column in counts.columns]
    rows = [dict(zip(names, row, strict=True)) for row in counts.rows]
    assert {(row["result"], row["replies"], row["texts"]) for row in rows} == {
        ("off format", "4", "4"),
        ("empty", "1", "1"),
    }
    assert {row["share"] for row in rows} == {"0.003", "0.001"}
    texts = [row[[column.name for column in examples.columns].index("raw")] for row in examples.rows]
    assert len(texts) == 4  # three of one reason at most, and the empty one
    assert "" in texts


def test_nothing_is_said_where_every_reply_was_read(replies):
    assert unreadable_tables(replies.filter(pl.col("action").is_not_null()), DICTIONARY, []) == []
