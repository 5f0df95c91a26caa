"""Chats as token ids: special tokens, prompts as prefixes of exchanges, and options that can be distinguished."""

import pytest
from chat_tokenizers import (
    LLAMA_TEMPLATE,
    NO_GENERATION_PROMPT,
    PROMPT_REWRITTEN,
    TURN_NEVER_ENDS,
    make_chat_tokenizer,
)

from tom.core.errors import UserError
from tom.prompts.chat import exchange, opening_ids, option_ids, prompt_ids

pytestmark = pytest.mark.model  # tokenizers are of transformers, which the tests without a model leave out

MESSAGES = [{"role": "system", "content": "Choose C or D."}, {"role": "user", "content": "Which?"}]
FULL_REPLY = ["C", "D", "Cooperate.", " C", "two\nlines", "é"]


@pytest.fixture(params=["chatml", "llama"])
def chat(request, tokenizer):
    """The tokenizers of two chat families: one without a BOS, one whose template writes it."""
    return tokenizer if request.param == "chatml" else make_chat_tokenizer(LLAMA_TEMPLATE)


def test_the_prompt_is_the_templates_text(chat):
    text = chat.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=True)
    assert chat.decode(prompt_ids(chat, MESSAGES)) == text


@pytest.mark.parametrize("last", ["Which?", ".", "..", ""])
def test_the_opening_does_not_depend_on_the_last_message(chat, last):
    opening = opening_ids(chat, [MESSAGES[0], {"role": "user", "content": last}])
    prompt = prompt_ids(chat, MESSAGES)
    assert prompt[: len(opening)] == opening or last.startswith(".")
    assert "Choose C or D." in chat.decode(opening)
    assert len(opening) < len(prompt_ids(chat, [MESSAGES[0], {"role": "user", "content": last}]))


def test_a_family_has_one_bos_or_none(chat):
    assert chat("C")["input_ids"].count(chat.bos_token_id) == (chat.bos_token_id is not None)
    for ids in (prompt_ids(chat, MESSAGES), sum(vars(exchange(chat, MESSAGES, "C")).values(), ())):
        assert ids.count(chat.bos_token_id) == (chat.bos_token_id is not None)


def test_a_bos_is_the_first_token():
    llama = make_chat_tokenizer(LLAMA_TEMPLATE)
    assert prompt_ids(llama, MESSAGES)[0] == llama.bos_token_id


@pytest.mark.parametrize("reply", FULL_REPLY)
def test_the_prompt_begins_the_exchange(chat, reply):
    found = exchange(chat, MESSAGES, reply)
    assert found.prompt == prompt_ids(chat, MESSAGES)
    whole = chat.apply_chat_template([*MESSAGES, {"role": "assistant", "content": reply}], tokenize=False)
    assert whole.startswith(chat.decode(found.prompt + found.reply))


@pytest.mark.parametrize("reply", FULL_REPLY)
def test_a_reply_ends_with_its_one_end_of_turn(chat, reply):
    ids = exchange(chat, MESSAGES, reply).reply
    assert ids.count(chat.eos_token_id) == 1
    assert ids[-1] == chat.eos_token_id
    assert reply.strip() in chat.decode(ids)


def test_a_chatml_reply_is_its_text_and_the_end_of_turn(tokenizer):
    assert tokenizer.decode(exchange(tokenizer, MESSAGES, "C").reply) == "C<|im_end|>"


@pytest.mark.parametrize("reply", FULL_REPLY)
def test_a_reply_without_an_end_of_turn_ends_with_its_text(chat, reply):
    found = exchange(chat, MESSAGES, reply, ends=False)
    assert found.prompt == prompt_ids(chat, MESSAGES)
    assert chat.eos_token_id not in found.reply
    assert chat.decode(found.reply).strip() == reply.strip()
    assert not chat.decode(found.reply)[-1].isspace()


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize(("reply", "given"), [("C, for D hurts", 1), ("Two\nlines: C", 9), (" led by a space", 4)])
def test_the_given_part_and_the_rest_make_the_whole_reply(chat, reply, given, ends):
    whole = exchange(chat, MESSAGES, reply, ends)
    found = exchange(chat, MESSAGES, reply, ends, given)
    assert found.prompt + found.reply == whole.prompt + whole.reply
    known = chat.decode(found.prompt[len(whole.prompt) :]).lstrip()
    assert reply[:given].strip().startswith(known.strip()) and known
    assert chat.decode(found.reply).startswith(reply[given:]) or len(known) < given


def test_a_template_that_rewrites_a_reply_without_an_end_of_turn_is_refused():
    shouting = make_chat_tokenizer(
        LLAMA_TEMPLATE.replace("{{ message.content }} </s>", "{{ message.content | upper }}</s>")
    )
    with pytest.raises(UserError, match="made-up: its chat template rewrites the reply 'so what'"):
        exchange(shouting, MESSAGES, "so what", ends=False)


def test_llama_2_reads_its_own_format_token_by_token():
    llama = make_chat_tokenizer(LLAMA_TEMPLATE)
    found = exchange(llama, MESSAGES, "C")
    # Meta's format for Llama 2: the system message inside the first turn, one BOS, spaces around the reply.
    prompt, reply = "[INST] <<SYS>>\nChoose C or D.\n<</SYS>>\n\nWhich? [/INST]", " C "
    assert llama.convert_ids_to_tokens(found.prompt) == ["<s>", *llama.tokenize(prompt)]
    assert llama.convert_ids_to_tokens(found.reply) == [*llama.tokenize(reply), "</s>"]
    assert len(found.prompt) == 1 + len(prompt) and len(found.reply) == len(reply) + 1
    assert [llama.decode(option) for option in option_ids(llama, MESSAGES, ("C", "D"))] == [" C", " D"]


def test_options_are_the_reply_without_its_end(chat):
    ids = option_ids(chat, MESSAGES, ("C", "D"))
    assert [chat.decode(option).lstrip() for option in ids] == ["C", "D"]
    assert all(chat.eos_token_id not in option for option in ids)


@pytest.mark.parametrize("options", [("C", "CC"), ("CC", "C"), ("C", "C"), ("C", "C."), ("", "C")])
def test_options_that_begin_alike_are_refused(tokenizer, options):
    with pytest.raises(UserError) as caught:
        option_ids(tokenizer, MESSAGES, options)
    assert all(repr(option) in str(caught.value) for option in options)


@pytest.mark.parametrize(
    ("template", "part"),
    [
        (PROMPT_REWRITTEN, "differently"),
        (TURN_NEVER_ENDS, "does not end a reply with '</s>'"),
        (NO_GENERATION_PROMPT, "writes '<assistant>' before a reply"),
        (None, "no chat template .allowed: template: plain_text"),
    ],
    ids=["prompt rewritten", "turn never ends", "no generation prompt", "no template"],
)
def test_a_template_that_can_not_be_used_is_refused_by_name(template, part):
    with pytest.raises(UserError, match=part) as caught:
        exchange(make_chat_tokenizer(template, name="some/model"), MESSAGES, "C")
    assert "some/model" in str(caught.value)
