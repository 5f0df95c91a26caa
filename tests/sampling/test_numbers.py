"""Numbers: probabilities of whole replies, draws from them, free replies, and replayed counts."""

import math
from collections import Counter

import pytest
import torch

from tom.core.errors import UserError
from tom.engines.interface import ChoiceScore, Question, Reply
from tom.engines.transformers_engine import TransformersEngine
from tom.games.kinds import load_number_game
from tom.models.language_models import load_model
from tom.prompts.cells import CellFiles
from tom.prompts.chat import option_ids, prompt_ids
from tom.prompts.contexts import load_context
from tom.prompts.number_questions import load_question, render_question
from tom.sampling import numbers
from tom.sampling.procedures import SamplingSettings
from tom.sampling.recorded import read_contribution_counts, replay_contributions, require_contributions
from tom.sampling.shards import NUMBER_COLUMNS, read_shard, write_shard

FIELDS = {"model": "base", "game": "public_goods", "context": "neutral"}
AMOUNTS = tuple(map(str, range(11)))
TO_TWENTY = tuple(map(str, range(21)))


@pytest.fixture(scope="module")
def files(resources):
    game = resources / "games" / "public_goods.yaml"
    context, question = resources / "group_contexts" / "neutral.yaml", resources / "numbers" / "public_goods.yaml"
    return CellFiles("public_goods", game, context, question)


@pytest.fixture(scope="module")
def messages(files):
    """Of the game at twice its endowment, so that some amounts have two tokens."""
    game = load_number_game(files.game_file, "public_goods-x2")
    return render_question(load_question(files.prompt_format_file, game), game, load_context(files.context_file))


class FakeEngine:
    """Gives amounts with the weights 1, 2, 3, ..., of which half is the mass; or no scores, and free replies."""

    def __init__(self, replies: list[Reply] | None = None):
        self.replies, self.requests, self.asked = replies, [], []

    def tokens_sha256(self, messages):
        return "of the tokens"

    def score(self, asked):
        self.asked += asked
        if self.replies is not None:
            return None
        weights = [0.5 * weight / sum(range(1, 12)) for weight in range(1, 12)]
        return [ChoiceScore(tuple(map(math.log, weights)), 0.5) for _ in asked]

    def reply(self, requests):
        self.requests += requests
        return [self.replies for _ in requests]


def observe(engine, files, model="base", **changes) -> list[dict]:
    options = {"observations": 300, "temperature": 1.0, "top_p": 1.0, "seed": 1} | changes
    return numbers.observe(engine, files, SamplingSettings(**options), FIELDS | {"model": model})


def given(rows: list[dict]) -> list[int]:
    return [row["number"] for row in rows if row["record"] == "observation"]


def test_twelve_has_two_tokens_of_which_one_is_the_first(tokenizer, messages):
    # Else the tests below would not show what they are for; ten is one token of this tokenizer.
    one, two = option_ids(tokenizer, messages, ("1", "2"))
    assert option_ids(tokenizer, messages, ("12",)) == [one + two]
    with pytest.raises(UserError, match="begin with the same tokens"):
        option_ids(tokenizer, messages, ("1", "12"))
    end = tokenizer.eos_token_id
    assert option_ids(tokenizer, messages, ("1", "12"), ends=True) == [(*one, end), (*one, *two, end)]


@pytest.mark.parametrize("name", ["local_model", "adapted_model"])
def test_scores_are_those_of_each_whole_reply_run_alone(request, name, tokenizer, messages):
    local = request.getfixturevalue(name)
    (score,) = TransformersEngine(local).score([Question(messages, TO_TWENTY, ends=True)])
    model = load_model(local.weights, "cpu", local.adapter)
    prompt = prompt_ids(tokenizer, messages)
    alone = []
    for amount in TO_TWENTY:
        reply = (*tokenizer(amount, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id)
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*prompt, *reply]])).logits[0].double().log_softmax(-1)
        alone.append(sum(logits[len(prompt) - 1 + place, token].item() for place, token in enumerate(reply)))
    assert score.log_probabilities == pytest.approx(alone, abs=1e-5)
    assert score.option_mass == pytest.approx(sum(map(math.exp, alone)), rel=1e-4)


def test_the_mass_of_all_whole_replies_of_a_token_is_that_tokens_own(local_model, tokenizer, messages):
    """No probability is counted twice: what begins with `1` and ends, and what goes on, make up `1`."""
    engine = TransformersEngine(local_model)
    others = [token for token in range(len(tokenizer)) if token != tokenizer.eos_token_id]
    prompt = prompt_ids(tokenizer, messages)
    (first,) = option_ids(tokenizer, messages, ("1",))
    with torch.inference_mode():
        logits = engine.model(input_ids=torch.tensor([[*prompt, *first]])).logits[0].double().log_softmax(-1)
    begins = logits[len(prompt) - 1, first[0]].exp()
    goes_on = begins * logits[-1, others].exp().sum()
    ((one, *_),) = [score.log_probabilities for score in engine.score([Question(messages, ("1", "12"), ends=True)])]
    assert math.exp(one) + goes_on.item() == pytest.approx(begins.item(), rel=1e-4)


def test_mixed_questions_keep_their_own_options(local_model, messages, asked, scores):
    engine = TransformersEngine(local_model)
    (alone,) = engine.score([Question(messages, TO_TWENTY, ends=True)])
    mixed = engine.score([asked[0], Question(messages, TO_TWENTY, ends=True), asked[1]])
    assert mixed[1].log_probabilities == pytest.approx(alone.log_probabilities, abs=1e-5)
    for found, expected in zip((mixed[0], mixed[2]), scores, strict=False):
        assert found.log_probabilities == pytest.approx(expected.log_probabilities, abs=1e-5)


def test_every_amount_is_scored_before_the_observations(files):
    engine = FakeEngine()
    rows = observe(engine, files)
    assert [question.options for question in engine.asked] == [AMOUNTS]
    assert [row["record"] for row in rows] == ["score"] * 11 + ["observation"] * 300
    assert [row["number"] for row in rows[:11]] == list(range(11))
    assert [row["probability"] for row in rows[:11]] == pytest.approx([weight / 66 for weight in range(1, 12)])
    assert all(row["probability"] is None and row["raw"] == str(row["number"]) for row in rows[11:])
    assert {(row["option_mass"], row["seed"], row["model"]) for row in rows} == {(0.5, 1, "base")}
    assert {row["tokens_sha256"] for row in rows} == {"of the tokens"}


def test_numbers_that_do_not_begin_at_0_keep_their_own_probabilities(resources, files):
    class Unequal(FakeEngine):
        def score(self, asked):
            (question,) = asked
            self.options = question.options
            return [ChoiceScore(tuple(-abs(float(option) - 50) for option in question.options), 0.5)]

    name = "travellers_dilemma"
    texts = [resources / "contexts" / "neutral.yaml", resources / "numbers" / f"{name}.yaml"]
    engine = Unequal()
    rows = observe(engine, CellFiles(name, resources / "games" / f"{name}.yaml", *texts))
    assert engine.options == tuple(map(str, range(2, 101)))
    scores = {row["number"]: row["probability"] for row in rows if row["record"] == "score"}
    assert list(scores) == list(range(2, 101)) and max(scores, key=scores.get) == 50
    assert scores[49] == pytest.approx(scores[51]) and sum(scores.values()) == pytest.approx(1)
    # Far from 50 nothing is drawn: e ** -20 of the most likely one.
    assert {abs(number - 50) < 20 for number in given(rows)} == {True}


def test_a_temperature_raises_every_probability_to_its_inverse(files):
    rows = observe(FakeEngine(), files, temperature=0.5)
    squares = [weight**2 for weight in range(1, 12)]
    assert [row["probability"] for row in rows[:11]] == pytest.approx([square / sum(squares) for square in squares])


def test_draws_follow_the_probabilities(files):
    drawn = Counter(given(observe(FakeEngine(), files, observations=66_000)))
    for amount in range(11):
        expected = 1000 * (amount + 1)
        assert abs(drawn[amount] - expected) < 4 * math.sqrt(expected)


def test_draws_are_those_of_the_seed_and_the_model(files):
    assert given(observe(FakeEngine(), files)) == given(observe(FakeEngine(), files))
    for changes in ({"seed": 2}, {"model": "tuned-seed1"}):
        assert given(observe(FakeEngine(), files)) != given(observe(FakeEngine(), files, **changes))


def test_an_amount_that_is_never_given_is_never_drawn(files):
    class Sure(FakeEngine):
        def score(self, asked):
            return [ChoiceScore((-math.inf,) * 7 + (-1.0,) + (-math.inf,) * 3, math.exp(-1))]

    rows = observe(Sure(), files)
    assert [row["probability"] for row in rows[:11]] == pytest.approx([0.0] * 7 + [1.0] + [0.0] * 3)
    assert set(given(rows)) == {7}


def test_an_engine_that_can_not_score_is_asked_for_replies(files):
    replies = [Reply("7", "stop", 2), Reply("I would give 3 dollars.", "stop", 7), Reply("11", "stop", 2)]
    engine = FakeEngine([*replies, Reply("It depends.", "stop", 4)])
    rows = observe(engine, files, observations=4, top_p=0.9)
    (request,) = engine.requests
    assert (request.count, request.top_p, request.max_tokens) == (4, 0.9, 12)
    assert [(row["number"], row["outcome"]) for row in rows] == [
        (7, "read"), (3, "read"), (None, "off_format"), (None, "off_format"),
    ]  # fmt: skip
    assert [row["raw"] for row in rows][:2] == ["7", "I would give 3 dollars."]


def test_rows_of_every_engine_are_a_shard(files, tmp_path):
    counts = {5: 2, 7: 1}
    for rows in (
        observe(FakeEngine(), files),
        observe(FakeEngine([Reply("7", "stop", 2)]), files, observations=1),
        replay_contributions(counts, FIELDS),
    ):
        write_shard(tmp_path / "shard.parquet", rows, NUMBER_COLUMNS)
        assert read_shard(tmp_path / "shard.parquet", NUMBER_COLUMNS).height == len(rows)
        with pytest.raises(UserError, match="not a shard of this version"):
            read_shard(tmp_path / "shard.parquet")
    assert [row["number"] for row in replay_contributions(counts, FIELDS)] == [5, 5, 7]


def test_published_counts_are_read_by_cell(resources):
    table = resources / "paper" / "observed_contributions.csv"
    cell = ("public_goods", "neutral")
    assert read_contribution_counts(table, "teacher") == {cell: {7: 300}}
    assert read_contribution_counts(table, "base") == {cell: {5: 226, 7: 74}}


@pytest.mark.parametrize(
    ("rows", "cells", "part"),
    [
        ("a,g,teacher,1,x", {}, "whole numbers, not 1, x"),
        ("a,g,teacher,1,0", {}, "1, 0 times"),
        ("a,g,teacher,1,5\na,g,teacher,1,2", {}, "g in a: 1 was recorded above as well"),
        ("a,g,teacher,11,5", {("g", "a"): range(11)}, "a contribution of 11 (allowed: 0 to 10)"),
        ("a,g,teacher,1,5", {("g", "b"): range(11)}, "no recorded contributions of 'teacher' for g in b"),
    ],
)
def test_counts_that_are_none_are_refused(tmp_path, rows, cells, part):
    table = tmp_path / "counts.csv"
    table.write_text(f"context,game,model,contribution,count\n{rows}\n")
    with pytest.raises(UserError) as caught:
        counts = read_contribution_counts(table, "teacher")
        require_contributions(counts, cells, str(table), "teacher")
    assert str(table) in str(caught.value) and part in str(caught.value)


def test_a_table_that_is_none_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.csv: no such table"):
        read_contribution_counts(tmp_path / "none.csv", "teacher")
    (tmp_path / "other.csv").write_text("model,contribution\nteacher,7\n")
    with pytest.raises(UserError, match=r"other\.csv: missing column context, count, game"):
        read_contribution_counts(tmp_path / "other.csv", "teacher")
