"""Chat messages to token ids, through the model's own template.

A conversation is rendered as text and tokenised without further special tokens, since templates write
their own: that gives one BOS where the family has one, and none where it has none.
"""

from dataclasses import dataclass
from itertools import takewhile

from jinja2 import TemplateError

from tom.core.errors import UserError
from tom.prompts.prompts import Messages


@dataclass(frozen=True)
class Exchange:
    """Token ids of what is given (a prompt, perhaps with a reply's beginning), and of the reply from there on."""

    prompt: tuple[int, ...]
    reply: tuple[int, ...]


def prompt_ids(tokenizer, messages: Messages) -> tuple[int, ...]:
    """Token ids up to where the assistant's reply begins."""
    return _encode(tokenizer, _text(tokenizer, messages, generate=True))


def opening_ids(tokenizer, messages: Messages) -> tuple[int, ...]:
    """The prompt's token ids as far as they don't depend on its last message; shorter than the prompt."""
    prompt = prompt_ids(tokenizer, messages)
    other = prompt_ids(tokenizer, [*messages[:-1], messages[-1] | {"content": "."}])
    same = takewhile(lambda pair: pair[0] == pair[1], zip(prompt[:-1], other, strict=False))
    return tuple(token for token, _ in same)


def exchange(tokenizer, messages: Messages, reply: str, ends: bool = True, given: int = 0) -> Exchange:
    """Tokenise one reply in its place.

    ends: whether the end-of-turn token closes it, or the reply breaks off behind its last character. given: how
    many of its characters count as given; a token that reaches beyond them belongs to what follows.
    Errors: UserError where the template rewrites the prompt or the reply, or never ends a turn.
    """
    before = _text(tokenizer, messages, generate=True)
    whole = _text(tokenizer, [*messages, {"role": "assistant", "content": reply}], generate=False)
    prompt, ids = _encode(tokenizer, before), _encode(tokenizer, whole)
    if ids[: len(prompt)] != prompt:
        raise UserError(
            f"{tokenizer.name_or_path}: its chat template tokenises the prompt differently before {reply!r}"
        )
    if not ends:
        ids = _encode(tokenizer, whole[: _place(tokenizer, whole, before, reply) + len(reply.rstrip())])
    elif tokenizer.eos_token_id not in ids[len(prompt) :]:
        raise UserError(
            f"{tokenizer.name_or_path}: its chat template does not end a reply with {tokenizer.eos_token!r}"
        )
    else:
        ids = ids[: ids.index(tokenizer.eos_token_id, len(prompt)) + 1]
    start = len(prompt)
    if given:
        known = _encode(tokenizer, whole[: _place(tokenizer, whole, before, reply) + given])
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(known, ids, strict=False))
        start = max(start, len(list(alike)))
    return Exchange(ids[:start], ids[start:])


def option_ids(tokenizer, messages: Messages, options: tuple[str, ...], ends: bool = False) -> list[tuple[int, ...]]:
    """Token ids of each option as the beginning of a reply, without what the template puts behind it.

    ends: as the whole reply, its end of turn included, so that `1` and `10` are told apart.

    Errors: UserError if one option's ids begin another's, for then their probabilities overlap.
    """
    ids = [exchange(tokenizer, messages, option, ends=ends).reply for option in options]
    for one in range(len(ids)):
        for other in range(len(ids)):
            if one != other and ids[other][: len(ids[one])] == ids[one]:
                raise UserError(f"options {options[one]!r} and {options[other]!r} begin with the same tokens")
    return ids


def _place(tokenizer, whole: str, before: str, reply: str) -> int:
    """Where the reply's first character stands, or would if the template had not stripped white space before it."""
    at = whole.find(reply.strip(), len(before))
    if at < 0:
        raise UserError(f"{tokenizer.name_or_path}: its chat template rewrites the reply {reply!r}")
    return at - (len(reply) - len(reply.lstrip()))


def _text(tokenizer, messages: Messages, generate: bool) -> str:
    try:
        return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=generate)
    except (TemplateError, ValueError) as error:
        raise UserError(f"{tokenizer.name_or_path}: its chat template can't be used: {error}") from None


def _encode(tokenizer, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
