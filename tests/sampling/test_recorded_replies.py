"""A recorded teacher's replies in words: tables of each kind, rows that are wrong, and the shards that they become."""

import json
import sys

import polars as pl
import pytest
from gather_shards import gather
from made_examples import FIELDS, TEXTS, made_examples
from made_shards import reasoned_rows, scored_rows
from replay_replies import main

from tom.core.errors import UserError
from tom.prompts.variants import ORDERS
from tom.sampling import recorded_replies
from tom.sampling.recorded_replies import GivenReply, read_replies, require_replies
from tom.sampling.shards import read_shard, write_shard

PAPERS_ORDER = ORDERS[0]


@pytest.fixture
def table(tmp_path):
    """A function that writes a table of replies and gives its section of the config."""

    def write(rows, kind="json", fields=FIELDS, **settings) -> dict:
        file = tmp_path / f"replies.{kind}"
        if kind == "parquet":
            pl.DataFrame(rows).write_parquet(file)
        else:
            lines = "\n".join(json.dumps(row) for row in rows)
            file.write_text(lines if kind == "jsonl" else json.dumps(rows), encoding="utf-8")
        return {"file": str(file), "fields": fields, **settings}

    return write


@pytest.mark.parametrize("kind", ["json", "jsonl", "parquet"])
def test_prompts_tell_game_and_context_by_their_texts(table, kind):
    found = read_replies(table(made_examples("CD"), kind, **TEXTS))
    assert found[("stag_hunt", "friendship")] == [
        GivenReply("C. Reason 0 of stag_hunt in friendship.", PAPERS_ORDER, None),
        GivenReply("D. Reason 1 of stag_hunt in friendship.", PAPERS_ORDER, None),
    ]
    assert len(found) == 4


def test_a_column_may_be_the_name_itself_and_a_game_may_have_several_texts(table):
    rows = [
        {"game": "stag_hunt", "scene": "two CEOs", "said": "C."},
        {"game": "stag_hunt", "scene": "firms", "said": "D"},
    ]
    fields = {"reply": "said", "context": "scene"}
    found = read_replies(table(rows, fields=fields, contexts={"business": ["CEO", "firms"]}))
    assert [reply.text for reply in found[("stag_hunt", "business")]] == ["C.", "D"]


def test_fields_may_lie_deeper_and_say_order_and_finish(table):
    rows = [
        {
            "messages": [{"content": f"{order} ... CEOs"}, {"content": "C, since"}],
            "about": {"game": "stag_hunt"},
            "why": why,
        }
        for order, why in (("C first", "stop"), ("D first", "length"), ("D first", None))
    ]
    fields = {"reply": "messages.1.content", "game": "about.game", "context": "messages.0.content"}
    fields |= {"order": "messages.0.content", "finish": "why"}
    orders = dict(zip(ORDERS, ("C first", "D first"), strict=True))
    found = read_replies(table(rows, fields=fields, contexts={"business": "CEO"}, orders=orders))
    assert found == {
        ("stag_hunt", "business"): [
            GivenReply("C, since", order, why)
            for order, why in ((ORDERS[0], "stop"), (ORDERS[1], "length"), (ORDERS[1], None))
        ]
    }


def without(row: dict, name: str) -> dict:
    return {key: value for key, value in row.items() if key != name}


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda row: without(row, "output"), "row 2: no field 'output' (there: instruction, input)"),
        (lambda row: row | {"output": None}, "row 2: output: None is no text"),
        (lambda row: row | {"output": 7}, "row 2: output: 7 is no text"),
        (lambda row: [row], "row 2: no field 'instruction'"),
        (
            lambda row: row | {"instruction": "A game."},
            "row 2: instruction: 'A game.' has none of prisoners_dilemma, stag_hunt",
        ),
        (
            lambda row: row | {"instruction": row["instruction"] + " Or 5, 10, 3 and 2 points."},
            "has that of prisoners_dilemma and of stag_hunt",
        ),
        (lambda row: row | {"instruction": "10, 5, 3 and 2 points"}, "has none of business, friendship"),
    ],
)
def test_bad_rows_are_named(table, broken, words):
    rows = made_examples("CD")
    rows[1] = broken(rows[1])
    with pytest.raises(UserError) as caught:
        read_replies(table(rows, **TEXTS))
    assert words in str(caught.value) and "replies.json" in str(caught.value)


def test_many_bad_rows_are_counted(table):
    rows = [without(row, "output") for row in made_examples("CD")]
    with pytest.raises(UserError, match=r"row 1: .*; row 2: .*; row 3: .*; and 5 rows more$"):
        read_replies(table(rows, **TEXTS))
    with pytest.raises(UserError, match="no field 'order'"):
        read_replies(table(made_examples(), fields=FIELDS | {"order": "order"}, **TEXTS))
    row = {"game": "stag_hunt", "context": "business", "said": "C", "finish": "eos"}
    with pytest.raises(UserError, match=r"row 1: finish: 'eos' \(allowed: stop, length, or null\)"):
        read_replies(table([row], fields={"reply": "said", "finish": "finish"}))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("replies.json", b"{", "no readable table"),
        ("replies.json", b'{"output": "C"}', "not a list of rows, but dict"),
        ("replies.json", b"[]", "no reply in it"),
        ("replies.json", b"\xff\xfe[", "no readable table"),
        ("replies.jsonl", b'{"output": "C"}\nnothing', "no readable table"),
        ("replies.parquet", b"PAR1", "no readable table"),
        ("absent.json", None, "no such table"),
        ("absent.parquet", None, "no such table"),
    ],
)
def test_files_that_are_no_tables_are_named(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name}: {words}"):
        read_replies({"file": str(tmp_path / name), "fields": {"reply": "output"}})


def test_cells_without_replies_are_named(table):
    settings = table(made_examples(), **TEXTS)
    with pytest.raises(
        UserError, match=r"target: no replies for stag_hunt in sports in .*there: prisoners_dilemma in bus"
    ):
        require_replies(read_replies(settings), [("stag_hunt", "sports")], settings["file"], "target")


def test_orders_are_those_of_prompts():
    assert recorded_replies.ORDERS == ORDERS


def replayed(monkeypatch, tmp_path, settings: dict, form="choice_then_motivation") -> pl.DataFrame:
    words = ["replay_replies.py", "--settings", json.dumps(settings), "--form", form, "--recorded-as", "business"]
    words += ["--model", "teacher", "--game", "stag_hunt", "--context", "startup", "--prompt-format", "p"]
    monkeypatch.setattr(sys, "argv", [*words, "--output", str(tmp_path / "shard.parquet")])
    main()
    return read_shard(tmp_path / "shard.parquet")


def test_a_cells_replies_are_read_as_any_other_models(table, monkeypatch, tmp_path, capsys):
    shard = replayed(monkeypatch, tmp_path, table(made_examples("CD?C"), **TEXTS))
    assert shard["action"].to_list() == ["cooperate", "defect", None, "cooperate"]
    assert shard["outcome"].to_list() == ["read", "read", "off_format", "read"]
    assert shard["raw"][1] == "D. Reason 1 of stag_hunt in business."
    assert shard["context"].unique().to_list() == ["startup"] and shard["order"].unique().to_list() == [PAPERS_ORDER]
    assert shard["finish"].null_count() == 4 and shard["observation"].to_list() == [0, 1, 2, 3]
    assert "1 of 4 replies can't be read" in capsys.readouterr().err


def test_shards_of_any_study_are_such_a_table(table, monkeypatch, tmp_path):
    """The gathered shards of a teacher that was asked live become the same shard, without its scores."""
    rows = reasoned_rows("teacher", "stag_hunt", "business", ["C", "D", None, "D"])
    rows[3]["finish"] = "length"
    scores = scored_rows("teacher", "stag_hunt", "business", {(order, "C"): 0.5 for order in ORDERS})
    write_shard(tmp_path / "business.parquet", scores + rows)
    gather([tmp_path / "business.parquet"]).write_parquet(tmp_path / "gathered.parquet")
    fields = {"reply": "raw", "order": "order", "finish": "finish"}
    found = replayed(monkeypatch, tmp_path, {"file": str(tmp_path / "gathered.parquet"), "fields": fields})
    names = ["order", "cooperation_label", "observation", "raw", "action", "outcome", "finish"]
    own = read_shard(tmp_path / "business.parquet").filter(record="observation")
    assert found.select(names).equals(own.select(names))
    assert found.filter(record="score").is_empty()


def test_shards_of_counts_hold_no_replies(tmp_path):
    from tom.sampling.recorded import replay

    write_shard(tmp_path / "counts.parquet", replay((1, 2), {"game": "stag_hunt", "context": "business"}))
    with pytest.raises(UserError, match="row 1: raw: None is no text"):
        read_replies({"file": str(tmp_path / "counts.parquet"), "fields": {"reply": "raw"}})
