"""Anchors: the base's own probabilities as targets, learnt in the steps of the taught groups."""

from pathlib import Path

import polars as pl
import pytest

from tom.core.errors import UserError
from tom.prompts.prompts import prompt_sha256
from tom.sampling.shards import NUMBER_COLUMNS
from tom.training.anchors import among_groups, anchor_examples
from tom.training.batching import Row
from tom.training.examples import TrainingExample, WeightedReply

TAUGHT = [
    TrainingExample("stag_hunt/a", "business", [], (WeightedReply("C", number), WeightedReply("D", 10)))
    for number in (20, 40)
]


def files(root) -> list[Path]:
    names = ("games/dictator", "contexts/business", "numbers/dictator")
    return [root / "resources" / f"{name}.yaml" for name in names]


def shard(sha256: str = "") -> pl.DataFrame:
    """The base's: it gives 0 or 10 dollars, and was asked once."""
    cell = {"model": "base", "game": "dictator", "context": "business", "prompt_sha256": sha256}
    rows = [cell | {"record": "score", "number": n, "probability": {0: 0.25, 10: 0.75}.get(n, 0.0)} for n in range(11)]
    rows.append(cell | {"record": "observation", "number": 0})
    columns = {name: [row.get(name) for row in rows] for name in NUMBER_COLUMNS}
    return pl.DataFrame([pl.Series(name, values, NUMBER_COLUMNS[name]) for name, values in columns.items()])


def right_hash(root) -> str:
    with pytest.raises(UserError, match="dictator in business were asked by other texts"):
        anchor_examples([shard("another")], files(root), TAUGHT, 0.5)
    from tom.games.kinds import load_number_game
    from tom.prompts.contexts import load_context
    from tom.prompts.number_questions import load_question, render_question

    game_file, context, question = files(root)
    game = load_number_game(game_file, "dictator")
    return prompt_sha256(render_question(load_question(question, game), game, load_context(context)))


def test_the_base_s_probabilities_are_the_targets_and_weigh_a_share_of_a_taught_prompt(root):
    (anchor,) = anchor_examples([shard(right_hash(root))], files(root), TAUGHT, 0.5)
    # Taught prompts have 30 and 50 replies, so an anchor of half their weight stands for 20.
    assert [(reply.text, reply.count, reply.ends) for reply in anchor.replies] == [("0", 5, True), ("10", 15, True)]
    assert anchor.cell == "dictator/business"
    assert "dollars" in anchor.messages[-1]["content"] + anchor.messages[0]["content"]


def test_without_shards_there_are_none(root):
    assert anchor_examples([], [], TAUGHT, 0.5) == []


def test_anchors_are_dealt_out_among_the_steps():
    anchors = [[Row(f"{n}", (n,), (1,), 1.0, f"cell {n}"), Row(f"{n}", (n,), (2,), 2.0, f"cell {n}")] for n in range(3)]
    rows = among_groups(anchors, ["a", "b"])
    assert [(row.group, row.prompt, row.count) for row in rows] == [
        *[("a", (0,), 1.0), ("a", (0,), 2.0), ("b", (1,), 1.0), ("b", (1,), 2.0), ("a", (2,), 1.0), ("a", (2,), 2.0)]
    ]
    assert {row.cell for row in rows} == {"cell 0", "cell 1", "cell 2"}
