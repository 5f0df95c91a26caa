"""Free replies of a cell: what is asked for, and what becomes of each reply in a shard."""

import math
import re
from collections import Counter
from dataclasses import replace

import pytest
from regenerate_golden import cell_files
from scipy.stats import binomtest

from tom.engines.interface import ChoiceScore, Reply
from tom.engines.transformers_engine import TransformersEngine
from tom.parsing.choice_readings import read_choice
from tom.prompts.prompts import CHOICE_FIRST, CHOICE_LAST, load_prompt_format, prompt_sha256
from tom.prompts.variants import ORDERS, scored
from tom.sampling.free_replies import observe
from tom.sampling.procedures import SamplingSettings
from tom.sampling.shards import read_shard, write_shard

FIRST, LAST = ORDERS
SAID = {
    CHOICE_FIRST: ("C. We both gain.", "D. I gain.", "I would rather not say."),
    CHOICE_LAST: ("We both gain.\nChoice: C", "I gain.\nChoice: D", "I would rather not say."),
}
FIELDS = {"model": "base", "game": "stag_hunt", "context": "sports", "engine": "made up"}


class Talker:
    """Says the same things over and over, and remembers what it was asked."""

    def __init__(self, *said: str):
        self.said, self.requests, self.questions = said, [], []

    def tokens_sha256(self, messages):
        return f"tokens of {prompt_sha256(messages)}"

    def reply(self, requests):
        self.requests += requests
        return [
            [Reply(self.said[number % len(self.said)], "stop", 4 + number) for number in range(request.count)]
            for request in requests
        ]

    def score(self, questions):
        self.questions += questions
        return [ChoiceScore((math.log(0.3), math.log(0.1)), 0.4) for _ in questions]


def ask(engine, form=CHOICE_FIRST, **changes) -> list[dict]:
    files = cell_files("stag_hunt", "sports")
    files = replace(files, prompt_format_file=files.prompt_format_file.with_stem(form))
    options = {"option_orders": ORDERS, "observations": 9, "temperature": 0.8, "top_p": 0.9, "seed": 1}
    fields = FIELDS | changes.pop("fields", {})
    return observe(engine, files, SamplingSettings(**(options | changes)), fields)


def observations(rows: list[dict]) -> list[dict]:
    return [row for row in rows if row["record"] == "observation"]


@pytest.mark.parametrize("form", [CHOICE_FIRST, CHOICE_LAST])
def test_each_reply_is_kept_as_given_and_read(form):
    engine = Talker(*SAID[form])
    rows = observations(ask(engine, form))
    assert [row["observation"] for row in rows] == list(range(9))
    assert [row["order"] for row in rows] == [FIRST] * 5 + [LAST] * 4
    assert [row["raw"] for row in rows] == [SAID[form][number % 3] for number in (0, 1, 2, 3, 4, 0, 1, 2, 3)]
    for row in rows:
        reading = read_choice(Reply(row["raw"], "stop", row["reply_tokens"]), form, ("C", "D"))
        assert (row["outcome"], row["rule"]) == (reading.outcome, reading.rule)
        assert row["action"] == {SAID[form][0]: "cooperate", SAID[form][1]: "defect"}.get(row["raw"])
        assert (row["finish"], row["cooperation_label"], row["temperature"], row["top_p"]) == ("stop", "C", 0.8, 0.9)
    assert [row["reply_tokens"] for row in rows] == [4, 5, 6, 7, 8, 4, 5, 6, 7]
    assert Counter(row["action"] for row in rows) == {"cooperate": 4, "defect": 3, None: 2}


@pytest.mark.parametrize("form", [CHOICE_FIRST, CHOICE_LAST])
def test_an_engine_is_asked_as_the_prompt_format_and_the_run_say(form):
    engine = Talker("C")
    rows = observations(ask(engine, form))
    limit = load_prompt_format(cell_files("stag_hunt", "sports").prompt_format_file.with_stem(form)).max_tokens
    assert [(r.count, r.max_tokens, r.temperature, r.top_p) for r in engine.requests] == [
        (5, limit, 0.8, 0.9),
        (4, limit, 0.8, 0.9),
    ]
    assert [prompt_sha256(r.messages) for r in engine.requests] == [rows[0]["prompt_sha256"], rows[-1]["prompt_sha256"]]
    assert all(row["tokens_sha256"] == f"tokens of {row['prompt_sha256']}" for row in rows)


def test_where_the_choice_comes_first_every_variant_is_scored():
    engine = Talker("C")
    rows = ask(engine, CHOICE_FIRST)
    assert [row["record"] for row in rows] == ["score"] * 4 + ["observation"] * 9
    assert [question.options for question in engine.questions] == [("C", "D"), ("C", "D"), ("D", "C"), ("D", "C")]
    for row, variant in zip(rows, scored(list(ORDERS)), strict=False):
        assert (row["order"], row["cooperation_label"]) == (variant.order, variant.cooperation_label)
        assert row["p_cooperate"] == pytest.approx(3 ** (1 / 0.8) / (1 + 3 ** (1 / 0.8)))
        assert row["option_mass"] == 0.4


def test_where_the_reasons_come_first_nothing_is_scored():
    engine = Talker("C")
    assert {row["record"] for row in ask(engine, CHOICE_LAST)} == {"observation"}
    assert not engine.questions


def seeds(**changes) -> list[int]:
    engine = Talker("C")
    ask(engine, **changes)
    return [request.seed for request in engine.requests]


def test_each_variant_cell_model_and_run_has_a_seed_of_its_own():
    changes = [{}, {"seed": 2}, *({"fields": {name: "another"}} for name in ("model", "game", "context"))]
    found = [seed for change in changes for seed in seeds(**change)]
    assert len(set(found)) == 10
    assert all(0 <= seed < 2**31 for seed in found)
    assert seeds() == seeds(fields={"engine": "another"}, temperature=2.0)


def test_a_variants_seed_does_not_depend_on_what_else_is_asked():
    assert seeds(option_orders=(LAST,)) == seeds()[1:]


def test_a_variant_without_a_share_is_not_asked():
    engine = Talker("C")
    assert len(observations(ask(engine, observations=1))) == 1
    assert [request.count for request in engine.requests] == [1]


def test_the_rows_make_a_shard(tmp_path):
    rows = ask(Talker(*SAID[CHOICE_FIRST]))
    write_shard(tmp_path / "shard.parquet", rows)
    shard = read_shard(tmp_path / "shard.parquet")
    assert shard["action"].to_list() == [row.get("action") for row in rows]
    assert shard.filter(record="observation")["p_cooperate"].null_count() == 9


def test_observed_rates_follow_the_exact_scores(local_model, tokenizer, tmp_path):
    engine = TransformersEngine(local_model)
    letters = tokenizer.convert_tokens_to_ids(["C", "D"])

    def boost(module, inputs, logits):
        logits[..., letters] += 8.0  # a random model hardly ever begins with a letter

    engine.model.lm_head.register_forward_hook(boost)
    files = cell_files("stag_hunt", "sports")
    prompt_format = files.prompt_format_file.with_stem(CHOICE_FIRST).read_text()
    (tmp_path / "short.yaml").write_text(re.sub("max_tokens: [0-9]+", "max_tokens: 1", prompt_format))
    files = replace(files, prompt_format_file=tmp_path / "short.yaml")
    for temperature in (0.7, 1.0):
        settings = SamplingSettings(3000, temperature, seed=1, option_orders=ORDERS)
        rows = observe(engine, files, settings, FIELDS)
        for order in ORDERS:
            score = next(row for row in rows if row["order"] == order)
            replies = [row for row in observations(rows) if row["order"] == order]
            read = [row["action"] for row in replies if row["action"]]
            assert 0.05 < score["p_cooperate"] < 0.95
            assert binomtest(read.count("cooperate"), len(read), score["p_cooperate"]).pvalue > 1e-3
            if temperature == 1.0:
                assert binomtest(len(read), len(replies), score["option_mass"]).pvalue > 1e-3
