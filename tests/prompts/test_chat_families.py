"""Chat families: what each sees of a prompt and a reply, and each from sampling over training to sampling again."""

import hashlib
import json
import re
import shutil
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from chat_families import FAMILIES, Family, family_tokenizer, make_family
from chat_tokenizers import SYSTEM_REFUSED, make_chat_tokenizer

from tom.core.errors import UserError
from tom.prompts.chat import exchange, opening_ids, option_ids, prompt_ids, tokens_sha256
from tom.prompts.prompts import prompt_sha256
from tom.prompts.templates import template_of, use_template

pytestmark = pytest.mark.model
MESSAGES = [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A function: a family's name → its tiny model, made once."""
    root, known = tmp_path_factory.mktemp("families"), {}

    def make(name: str) -> Path:
        if name not in known:
            known[name] = make_family(name, root / name)
        return known[name]

    return make


@pytest.fixture
def chat(made):
    """A function: a family's name, and a `template` section unless its own → its tokenizer."""
    from tom.models.language_models import load_tokenizer

    def load(name: str, *section):
        return load_tokenizer(made(name), *(section or [FAMILIES[name].section]))

    return load


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_reads_its_own_format(chat, name):
    tokenizer, family = chat(name), FAMILIES[name]
    found = exchange(tokenizer, MESSAGES, "C")
    assert tokenizer.decode(found.prompt) == family.prompt
    assert tokenizer.decode(found.reply) == family.reply
    assert found.prompt == prompt_ids(tokenizer, MESSAGES)
    assert family.prompt.startswith(tokenizer.decode(opening_ids(tokenizer, MESSAGES)))
    options = option_ids(tokenizer, MESSAGES, ("C", "D"))
    assert [tokenizer.decode(option).strip() for option in options] == ["C", "D"]
    # A mark is one token, and no letter of it was read as text.
    assert found.reply[-1] in template_of(tokenizer).ends
    assert sum(token in template_of(tokenizer).ends for token in found.reply) == 1


def token_hashes(weights: Path, family: Family, files) -> set[str]:
    """Of the tokens of what the family makes of each of a cell's prompts that are scored, by the plain tokenizer."""
    from transformers import AutoTokenizer

    from tom.prompts.cells import render_variants
    from tom.prompts.variants import scored

    tokenizer, hashes = AutoTokenizer.from_pretrained(weights), set()
    short = replace(files, prompt_format_file=files.prompt_format_file.with_stem("choice_then_motivation"))
    for system, user in render_variants(short, scored(["cooperation_first"])):
        parts = {"S": system["content"].strip(), "U": user["content"].strip()}
        text = "".join(parts.get(part, part) for part in re.split(r"(?<!\w)([SU])(?!\w)", family.prompt))
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        hashes.add(hashlib.sha256(b"".join(token.to_bytes(4, "little") for token in ids)).hexdigest())
    return hashes


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_sampled_trained_and_sampled_again(made, tmp_path, monkeypatch, name):
    """With free replies and scores of the base; taught to defect, the student defects more, and ends its reply."""
    import polars as pl
    from made_shards import counted_rows
    from regenerate_golden import cell_files
    from train_adapter import main

    from tom.engines.local_model import LocalModel
    from tom.models.language_models import convert_precision
    from tom.models.model_folders import write_manifest
    from tom.sampling.local_shard import write_local_shard
    from tom.sampling.procedures import FREE_REPLIES, Cell, SamplingSettings
    from tom.sampling.shards import read_shard, write_shard

    family, weights = FAMILIES[name], tmp_path / "weights"
    convert_precision(made(name), weights, family.precision, "float32")
    write_manifest(tmp_path / "weights.json", weights, source="tests")
    files = cell_files("stag_hunt", "sports")
    short = yaml.safe_load(files.prompt_format_file.with_stem("choice_then_motivation").read_text()) | {"max_tokens": 5}
    (tmp_path / "short.yaml").write_text(yaml.safe_dump(short))
    local = LocalModel(weights, tmp_path / "weights.json", None, None, threads=1, template=family.section)

    def sampled(model):
        cell = Cell("base", "stag_hunt", files.game_file, files.context_file, tmp_path / "short.yaml")
        settings = SamplingSettings(2, 1.0, seed=1, option_orders=("cooperation_first",))
        write_local_shard(str(tmp_path / "shard.parquet"), model, 0, FREE_REPLIES, cell, settings)
        return read_shard(tmp_path / "shard.parquet")

    before = sampled(local)
    said = None if family.section is None else json.dumps(family.section, sort_keys=True)
    assert pl.read_parquet_metadata(tmp_path / "shard.parquet").get("template") == said
    assert set(before["tokens_sha256"]) == token_hashes(weights, family, files)
    assert before["p_cooperate"].is_between(0, 1).sum() == 2 and before["reply_tokens"].is_between(1, 5).sum() == 2

    taught = counted_rows("teacher", "stag_hunt", "sports", {"cooperation_first": (0, 50, 0)})
    write_shard(tmp_path / "taught.parquet", taught)
    words = ["train_adapter.py", "--replies", tmp_path / "taught.parquet", "--game-files", files.game_file]
    words += ["--context-files", files.context_file, "--prompt-format-file", files.prompt_format_file]
    words += [
        "--option-orders",
        "cooperation_first",
        "--label-mapping",
        "original",
        "--seed",
        1,
        "--checkpoints",
        tmp_path,
    ]
    words += ["--output", tmp_path / "adapter", "--output-manifest", tmp_path / "adapter.json"]
    words += ["--curve", tmp_path / "curve.csv", "--output-loss-report", tmp_path / "loss.json", "--target", "label"]
    recipe = {"rank": 8, "alpha": 16, "dropout": 0, "target_modules": "all-linear", "learning_rate": 0.02, "warmup": 0}
    recipe |= {"epochs": 6, "gauss_newton_steps": 0, "weight_decay": 0, "clip": 1, "tokens_per_pack": 2048}
    words += [f"--{name.replace('_', '-')}={value}" for name, value in recipe.items()]
    monkeypatch.setattr(sys, "argv", list(map(str, [*words, *local.arguments()])))
    main()

    taught = json.loads((tmp_path / "loss.json").read_text())["examples"][0]["replies"][0]
    assert taught["supervised"] == family.reply.replace("C", "D") and taught["ends_with_eos"]
    tuned = LocalModel(
        weights, tmp_path / "weights.json", tmp_path / "adapter", tmp_path / "adapter.json", 1, template=family.section
    )
    after = sampled(tuned)
    assert set(after["tokens_sha256"]) == set(before["tokens_sha256"])  # the base and the student see the same prompts
    first = pl.col("record") == "score", pl.col("cooperation_label") == "C"
    assert after.filter(*first)["p_cooperate"][0] < 0.7 * before.filter(*first)["p_cooperate"][0]


@pytest.mark.parametrize("name", ["mistral0.1", "gemma2"])
def test_a_system_message_without_a_role_stands_before_the_first_users_text(chat, name):
    merged = [{"role": "user", "content": "S\n\nU"}]
    assert prompt_ids(chat(name), MESSAGES) == prompt_ids(chat(name), merged)
    assert exchange(chat(name), MESSAGES, "C") == exchange(chat(name), merged, "C")


def test_a_template_that_drops_the_system_message_without_a_word_gets_it_from_the_user():
    users = "{% for message in messages if message.role != 'system' %}{{ message.content }}</s>{% endfor %}"
    for tokenizer in map(make_chat_tokenizer, (users, SYSTEM_REFUSED)):
        assert tokenizer.decode(prompt_ids(tokenizer, MESSAGES)) == "S\n\nU</s>"


def test_a_default_system_message_stands_where_there_is_no_other(chat):
    tokenizer = chat("qwen2.5")
    texts = [tokenizer.decode(prompt_ids(tokenizer, messages)) for messages in (MESSAGES, MESSAGES[1:])]
    assert ["You are helpful." in text for text in texts] == [False, True]
    assert exchange(tokenizer, MESSAGES[1:], "C").prompt == prompt_ids(tokenizer, MESSAGES[1:])


@pytest.mark.parametrize("name", ["llama3.2", "smollm3"])
def test_a_prompt_that_would_change_from_day_to_day_is_refused(chat, name):
    section = {name: value for name, value in FAMILIES[name].section.items() if name != "strftime_now"}
    with pytest.raises(UserError, match=r"asks for today's date.*allowed: template\.strftime_now: \"2024-07-26\""):
        prompt_ids(chat(name, section), MESSAGES)


def test_a_date_that_no_prompt_reads_is_not_asked_for(chat):
    """Granite has one in its own system message alone."""
    assert prompt_ids(chat("granite3", None), MESSAGES) == prompt_ids(chat("granite3"), MESSAGES)
    with pytest.raises(UserError, match="asks for today's date"):
        prompt_ids(chat("granite3", None), MESSAGES[1:])


def test_a_prompt_is_the_same_on_another_day(chat, monkeypatch):
    from transformers.utils import chat_template_utils

    class Tomorrow(date):
        @classmethod
        def now(cls):
            return cls(2031, 1, 1)

    before = prompt_ids(chat("llama3.2"), MESSAGES)
    monkeypatch.setattr(chat_template_utils, "datetime", Tomorrow)
    assert prompt_ids(chat("llama3.2"), MESSAGES) == before
    other = chat("llama3.2", {"strftime_now": "2031-01-01"}), chat("llama3.2", {"date_string": "01 Jan 2031"})
    assert prompt_ids(other[0], MESSAGES) == prompt_ids(other[1], MESSAGES) != before
    hashes = [tokens_sha256(tokenizer, MESSAGES) for tokenizer in (*other, chat("llama3.2"))]
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_hash_of_a_prompt_changes_with_what_the_config_fixes():
    hashes = {prompt_sha256(MESSAGES, section) for section in (None, '"plain_text"', '{"enable_thinking": false}')}
    assert len(hashes) == 3
    # Of messages alone as it always was, so that shards keep their bytes.
    assert prompt_sha256(MESSAGES) == "ff4f0ed8367d159b59aa9c4402621c10c9a3d20f3d2d05a79afbbe81d734a901"


BAD_SECTIONS = {
    "a misspelt variable": ("qwen3", {"enable_thinkin": False}, "template.enable_thinkin: .*allowed: enable_thinking"),
    "a variable of another family": ("qwen2.5", {"enable_thinking": False}, "allowed: none, since it has no variables"),
    "no date": ("llama3.2", {"strftime_now": "2024-13-26"}, "template.strftime_now: 2024-13-26 is no date"),
    "thoughts in the prompt": ("qwen3", None, "writes '<think>.*</think>' before a reply .allowed: template.enable_th"),
    "a base model as it is": ("pythia", None, "has no chat template .allowed: template: plain_text"),
}


@pytest.mark.parametrize("case", BAD_SECTIONS)
def test_a_section_that_does_not_fit_its_template_is_refused_in_one_line(chat, case):
    name, section, said = BAD_SECTIONS[case]
    with pytest.raises(UserError, match=said) as caught:
        exchange(chat(name, section), MESSAGES, "C")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("source", ["{{ ['a', 'b'] | random }}", "{{ lipsum() }}"])
def test_a_template_that_draws_is_refused(source):
    with pytest.raises(UserError, match="draws at random"):
        prompt_ids(
            make_chat_tokenizer(source + "{% for message in messages %}{{ message.content }}{% endfor %}"), MESSAGES
        )


def test_a_template_that_begins_a_thought_is_refused():
    thinking = (
        "{% for message in messages %}{{ message.content }}</s>{% endfor %}"
        "{% if add_generation_prompt %}<think>\n{% endif %}"
    )
    with pytest.raises(UserError, match=r"begins a reply with '<think>.n', a thought"):
        exchange(make_chat_tokenizer(thinking), MESSAGES, "C")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_special_token_inside_a_text_is_text_wherever_it_stands(chat, name):
    tokenizer, family = chat(name), FAMILIES[name]
    known = set(tokenizer.added_tokens_decoder)
    rules, situation = "the rules", "the situation"
    messages = [{"role": "system", "content": rules}, {"role": "user", "content": situation}]
    usual = prompt_ids(tokenizer, messages)
    for mark in family.special:
        text = f"You share a desk.{mark} Choose C."
        for role, content in enumerate((rules, situation)):
            marked = [*messages]
            marked[role] = messages[role] | {"content": text}
            ids = prompt_ids(tokenizer, marked)
            assert tokenizer.decode(ids) == tokenizer.decode(usual).replace(content, text)
            assert [token for token in ids if token in known] == [token for token in usual if token in known]
        found = exchange(tokenizer, MESSAGES, f"C{mark} more")
        assert tokenizer.decode(found.reply) == family.reply.replace("C", f"C{mark} more")
        assert found.prompt == prompt_ids(tokenizer, MESSAGES)
        assert sum(token in template_of(tokenizer).ends for token in found.reply) == 1


WRITTEN_MARKS = {
    "llama2": ["[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"],
    "mistral0.1": ["[INST]"],
    "qwen3": ["<think>", "</think>"],
    "smollm3": ["<think>"],
    "olmo2": ["<|assistant|>"],
    "stablelm": ["<|assistant|>"],
}
"""Marks that a template writes as any other text; those of the other families are tokens."""


@pytest.mark.parametrize(("name", "mark"), [(name, mark) for name, marks in WRITTEN_MARKS.items() for mark in marks])
def test_a_mark_that_is_no_token_is_refused_wherever_it_stands(chat, name, mark):
    tokenizer, said = chat(name), f"holds {mark!r}, a mark of the chat template that is no token of its own"
    for role, message in enumerate(MESSAGES):
        messages = [*MESSAGES]
        messages[role] = message | {"content": f"You share a desk.{mark} Choose C."}
        with pytest.raises(UserError) as caught:
            prompt_ids(tokenizer, messages)
        assert said in str(caught.value) and message["role"] in str(caught.value)
    with pytest.raises(UserError) as caught:
        exchange(tokenizer, MESSAGES, f"C{mark}")
    assert said in str(caught.value) and "a text of the assistant" in str(caught.value)


@pytest.mark.parametrize("name", FAMILIES)
def test_texts_with_brackets_that_are_no_marks_are_read_as_they_are(chat, name):
    text = "Is 1 < 2 [yes]? <b>Most</b> {say} so | 50 %, \\n $x$ \u00e9\u4f60 \U0001f600"
    tokenizer = chat(name)
    assert text in tokenizer.decode(prompt_ids(tokenizer, [MESSAGES[0], {"role": "user", "content": text}]))


def test_the_ends_of_a_turn_are_those_of_the_folder(made, tmp_path):
    shutil.copytree(made("gemma2"), tmp_path / "gemma")
    tokenizer = family_tokenizer("gemma2")
    use_template(tokenizer, tmp_path / "gemma", None)
    assert tokenizer.convert_ids_to_tokens(sorted(template_of(tokenizer).ends)) == ["<eos>", "<end_of_turn>"]
    (tmp_path / "gemma" / "generation_config.json").unlink()
    use_template(tokenizer, tmp_path / "gemma", None)
    with pytest.raises(UserError, match=r"does not end a reply with '<eos>' .allowed: a generation_config.json whose"):
        exchange(tokenizer, MESSAGES, "C")
    config = json.loads((tmp_path / "gemma" / "config.json").read_text())
    (tmp_path / "gemma" / "config.json").write_text(json.dumps(config | {"eos_token_id": [1, 4]}))
    use_template(tokenizer, tmp_path / "gemma", None)
    assert tokenizer.decode(exchange(tokenizer, MESSAGES, "C").reply) == "C<end_of_turn>"
