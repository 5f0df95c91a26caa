"""From chat messages to token ids, through the model's own chat template.

The template renders a conversation as text, including special tokens, so the tokenizer adds none. The result has one
BOS if the model family uses one, and otherwise none.
"""

from dataclasses import dataclass
from itertools import takewhile

from jinja2 import TemplateError

from tom.core.errors import UserError
from tom.prompts.prompts import Messages


@dataclass(frozen=True)
class Exchange:
    """Token ids of a prompt, which can include the beginning of a reply, and of the rest of the reply."""

    prompt: tuple[int, ...]
    reply: tuple[int, ...]


def prompt_ids(tokenizer, messages: Messages) -> tuple[int, ...]:
    """Token ids of the prompt, up to where the assistant's reply begins."""
    return _encode(tokenizer, _text(tokenizer, messages, generate=True))


def opening_ids(tokenizer, messages: Messages) -> tuple[int, ...]:
    """The leading token ids of the prompt that do not depend on its last message. At least one token is left out."""
    prompt = prompt_ids(tokenizer, messages)
    other = prompt_ids(tokenizer, [*messages[:-1], messages[-1] | {"content": "."}])
    same = takewhile(lambda pair: pair[0] == pair[1], zip(prompt[:-1], other, strict=False))
    return tuple(token for token, _ in same)


def exchange(tokenizer, messages: Messages, reply: str, ends: bool = True, given: int = 0) -> Exchange:
    """Tokenise a prompt with one reply.

    ends: whether the reply includes the end-of-turn token or ends after its last character. given: the number of
    leading characters of the reply that count as part of the prompt; a token that extends beyond them belongs to the
    reply. Errors: UserError if the template changes the prompt or the reply, or does not end a turn.
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
    """Token ids of each option as the beginning of a reply.

    ends: take the options as whole replies, including the end-of-turn token, which distinguishes `1` from `10`.
    Errors: UserError if the ids of one option are a prefix of another's, since their probabilities would overlap.
    """
    ids = [exchange(tokenizer, messages, option, ends=ends).reply for option in options]
    for one in range(len(ids)):
        for other in range(len(ids)):
            if one != other and ids[other][: len(ids[one])] == ids[one]:
                raise UserError(f"options {options[one]!r} and {options[other]!r} begin with the same tokens")
    return ids


def _place(tokenizer, whole: str, before: str, reply: str) -> int:
    """The index of the reply's first character in the text, as if the template had not stripped leading white space."""
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
