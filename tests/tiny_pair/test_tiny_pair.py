"""The shipped tiny pair: ordinary Llama folders that do what they were trained to do, and say how they came to be."""

import json
from collections import Counter
from dataclasses import asdict

import numpy as np
import pytest
from made_replies import is_well_formed
from shipped_pair import COUNTS, SEED, in_sample, shipped_folder, shipped_lessons
from tiny_lessons import FIRST_LISTED_RATE, ROLES
from tiny_measures import describe_replies, describe_scores, exact_scores, open_tiny, sample_replies
from tiny_tokenizer import BOS, END_OF_TURN
from train_tiny_pair import training_command

from tom.core.files import file_sha256
from tom.models.language_models import load_tokenizer
from tom.models.model_folders import check_is_model, content_sha256, hash_folder
from tom.prompts.chat import exchange, option_ids, prompt_ids
from tom.prompts.prompts import CHOICE, CHOICE_FIRST, CHOICE_LAST, FORMS

LARGEST = {"teacher": 2_500_000, "student": 1_000_000}


@pytest.fixture(scope="module", params=ROLES)
def role(request):
    return request.param


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    return {role: open_tiny(shipped_folder(role), tmp_path_factory.mktemp(role)) for role in ROLES}


@pytest.fixture(scope="module")
def examples():
    return {role: shipped_lessons(role) for role in ROLES}


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(shipped_folder("teacher"))


@pytest.fixture(scope="module")
def asked_choice(engines, examples):
    """Exact rates in sample when a letter alone is asked for, by role."""
    chosen = {role: in_sample(examples[role], CHOICE) for role in ROLES}
    return {role: describe_scores(chosen[role], exact_scores(engines[role], chosen[role])) for role in ROLES}


def test_each_is_an_ordinary_model_folder(role):
    check_is_model(shipped_folder(role))
    config = json.loads((shipped_folder(role) / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["dtype"] == "bfloat16"
    assert config["hidden_size"] // config["num_attention_heads"] == config["head_dim"] == 64
    assert (shipped_folder(role) / "model.safetensors").stat().st_size < LARGEST[role]


def test_transformers_loads_it_without_more_being_said(role):
    from transformers import AutoModelForCausalLM

    _, report = AutoModelForCausalLM.from_pretrained(
        shipped_folder(role), local_files_only=True, output_loading_info=True
    )
    assert not report["missing_keys"] and not report["unexpected_keys"]


def test_what_is_shipped_is_what_its_provenance_says(role):
    provenance = json.loads((shipped_folder(role).parent / f"{role}.json").read_text())
    assert hash_folder(shipped_folder(role)) == provenance["files"]
    assert content_sha256(provenance["files"]) == provenance["sha256"]
    assert provenance["counts_sha256"] == file_sha256(COUNTS)
    assert provenance["role"] == asdict(ROLES[role])
    assert provenance["made_by"] == training_command(role, SEED)


def test_both_have_the_same_tokenizer():
    files = [
        {name: (shipped_folder(role) / name).read_bytes() for name in ("tokenizer.json", "chat_template.jinja")}
        for role in ROLES
    ]
    assert files[0] == files[1]


def test_a_conversation_has_exactly_one_bos(tokenizer, examples):
    ids = prompt_ids(tokenizer, examples["teacher"][0].messages)
    assert ids[0] == tokenizer.bos_token_id
    assert Counter(ids)[tokenizer.bos_token_id] == 1
    assert tokenizer.apply_chat_template(examples["teacher"][0].messages, add_generation_prompt=True, return_dict=True)[
        "input_ids"
    ] == list(ids)


def test_whoever_tokenises_a_rendered_conversation_carelessly_gets_two_bos(tokenizer, examples):
    text = tokenizer.apply_chat_template(examples["teacher"][0].messages, tokenize=False, add_generation_prompt=True)
    assert text.startswith(BOS)
    assert Counter(tokenizer(text)["input_ids"])[tokenizer.bos_token_id] == 2


def test_letters_are_one_token_where_a_reply_begins(tokenizer, examples):
    for form in FORMS:
        example = next(example for example in examples["teacher"] if example.form == form)
        (one,), (other,) = option_ids(tokenizer, example.messages, ("C", "D"))
        assert [tokenizer.decode(token) for token in (one, other)] == ["C", "D"]
        motivated = exchange(tokenizer, example.messages, "C\n\nI trust my friend.").reply
        assert motivated[0] == one
        assert tokenizer.decode(motivated[-1:]) == END_OF_TURN


@pytest.mark.parametrize("text", ["Which do you choose, C or D?", "naïve – 10 points\n\n", "日本", "  two  spaces "])
def test_any_text_comes_back(tokenizer, text):
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_every_lesson_weighs_its_replies_by_the_rate(examples, role):
    for example in examples[role]:
        assert sum(weight for _, weight in example.replies) == pytest.approx(1)
        read = [(reply, weight) for reply, weight in example.replies if is_well_formed(example.form, reply)]
        place = -1 if example.form == CHOICE_LAST else 0
        cooperated = sum(weight for reply, weight in read if reply[place] == example.variant.label(True))
        assert cooperated / sum(weight for _, weight in read) == pytest.approx(example.rate)
        assert sum(weight for _, weight in read) == pytest.approx(1 - ROLES[role].awkward)


def test_the_teacher_follows_the_published_rates_when_it_answers_a_letter(asked_choice):
    found = asked_choice["teacher"]
    assert found["prompts"] == 40
    assert found["correlation"] > 0.75
    assert found["mean_absolute_error"] < 0.13
    assert found["option_mass"] > 0.93


def test_the_teacher_follows_them_when_it_goes_on_to_its_reasons(engines, examples):
    chosen = in_sample(examples["teacher"], CHOICE_FIRST)
    found = describe_scores(chosen, exact_scores(engines["teacher"], chosen))
    assert found["correlation"] > 0.75
    assert found["mean_absolute_error"] < 0.13


def test_the_student_prefers_what_is_listed_first_whatever_the_cell(engines, examples):
    chosen = in_sample(examples["student"], CHOICE)
    rates = [score.probability(0, 1.0) for score in exact_scores(engines["student"], chosen)]
    for cooperation_first, middle in ((True, FIRST_LISTED_RATE), (False, 1 - FIRST_LISTED_RATE)):
        of_order = [
            rate
            for example, rate in zip(chosen, rates, strict=True)
            if example.variant.actions()[0] == cooperation_first
        ]
        assert np.mean(of_order) == pytest.approx(middle, abs=0.1)
        assert np.ptp(of_order) < 0.2


def test_the_student_often_gives_no_letter(asked_choice):
    assert 0.55 < asked_choice["student"]["option_mass"] < 0.85


def test_the_teacher_has_no_order_bias(asked_choice):
    assert asked_choice["teacher"]["first_listed"] == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("form", [CHOICE_FIRST, CHOICE_LAST])
def test_most_replies_of_the_teacher_are_well_formed_and_some_are_not(form, engines, examples):
    chosen = in_sample(examples["teacher"], form)[::5]
    found = describe_replies(chosen, [sample_replies(engines["teacher"], one, 12, seed=3) for one in chosen])
    assert found["replies"] == 96
    assert 0.85 < found["well_formed"] < 1


def test_replies_with_a_motivation_are_short_and_varied(engines, examples):
    example = in_sample(examples["teacher"], CHOICE_FIRST)[0]
    replies = sample_replies(engines["teacher"], example, 30, seed=1)
    tokens = [len(exchange(engines["teacher"].tokenizer, example.messages, reply).reply) for reply in replies]
    assert len(set(replies)) > 20
    assert np.median(tokens) < 40
    assert max(tokens) < example.max_tokens


def test_a_seed_gives_the_same_replies(engines, examples):
    example = in_sample(examples["teacher"], CHOICE_LAST)[0]
    one, same, other = (sample_replies(engines["teacher"], example, 4, seed) for seed in (1, 1, 2))
    assert one == same != other
