"""The report of what the loss sees, as text and counts."""

import json

import pytest
from chat_tokenizers import LLAMA_TEMPLATE, make_chat_tokenizer
from example_samples import example

from tom.prompts.chat import exchange
from tom.training.loss_report import describe_example, describe_loss

EXAMPLES = [
    example("stag_hunt", "sports", ("C", 77), ("D", 223)),
    example("snowdrift", "business", ("D", 5), order=1),
]


def test_an_example_shows_its_replies_and_the_end_of_its_prompt(tokenizer):
    described = describe_example(tokenizer, EXAMPLES[0])
    prompt = exchange(tokenizer, EXAMPLES[0].messages, "C").prompt
    assert described["group"] == "stag_hunt/cooperation_first"
    assert described["context"] == "sports"
    assert described["prompt_tokens"] == len(prompt)
    assert described["prompt_ends_with"].endswith("<|im_start|>assistant\n")
    assert [(reply["count"], reply["supervised"]) for reply in described["replies"]] == [
        (77, "C<|im_end|>"),
        (223, "D<|im_end|>"),
    ]
    for reply in described["replies"]:
        assert reply["ends_with_eos"]
        assert tokenizer.decode(reply["token_ids"]) == reply["supervised"]


@pytest.mark.parametrize(("family", "begins"), [("chatml", False), ("llama", True)])
def test_a_bos_is_reported_where_the_family_has_one(tokenizer, family, begins):
    chat = tokenizer if family == "chatml" else make_chat_tokenizer(LLAMA_TEMPLATE)
    assert describe_example(chat, EXAMPLES[0])["begins_with_bos"] is begins
    assert describe_loss(chat, EXAMPLES, 0)["bos_token"] == ("<s>" if begins else None)


def test_totals_are_those_of_separate_rows(tokenizer):
    rows = [
        exchange(tokenizer, example.messages, reply.text)
        for example in EXAMPLES
        for reply in example.replies
        for _ in range(reply.count)
    ]
    supervised = sum(len(row.reply) for row in rows)
    found = describe_loss(tokenizer, EXAMPLES, invalid=3)
    assert found["observations"] == len(rows) == 305
    assert found["supervised_tokens"] == supervised
    assert found["supervised_share"] == supervised / sum(len(row.prompt) + len(row.reply) for row in rows)
    assert found["unreadable_observations_left_out"] == 3
    assert found["eos_token"] == "<|im_end|>"
    assert len(found["examples"]) == 2


def test_uniform_targets_are_not_counted_as_observations(tokenizer):
    found = describe_loss(tokenizer, EXAMPLES, 0, frozenset({"business"}))
    assert (found["observations"], found["uniform_target_replies"], found["uniform_target_contexts"]) == (
        300,
        5,
        ["business"],
    )
    whole = describe_loss(tokenizer, EXAMPLES, 0)
    assert (whole["observations"], whole["uniform_target_replies"], whole["uniform_target_contexts"]) == (305, 0, [])
    assert found["supervised_tokens"] == whole["supervised_tokens"]


def test_a_long_example_shows_its_first_replies_and_counts_all_of_them(tokenizer):
    many = example("stag_hunt", "sports", *[(f"C, for reason {number}", 2) for number in range(20)])
    described = describe_example(tokenizer, many)
    assert described["distinct_replies"] == 20 and described["observations"] == 40
    assert len(described["replies"]) < 20
    rows = [exchange(tokenizer, many.messages, reply.text) for reply in many.replies]
    assert described["supervised_tokens"] == 2 * sum(len(row.reply) for row in rows)


def test_the_given_part_of_a_reply_is_shown_separately(tokenizer):
    (reply,) = describe_example(tokenizer, example("stag_hunt", "sports", ("Why not.\nChoice: C", 1, True, 8)))[
        "replies"
    ]
    assert (reply["given"], reply["supervised"]) == ("Why not.", "\nChoice: C<|im_end|>")


def test_the_description_is_json(tokenizer):
    found = describe_loss(tokenizer, EXAMPLES, 0)
    assert json.loads(json.dumps(found)) == found
