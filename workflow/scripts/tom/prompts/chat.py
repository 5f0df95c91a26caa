"""From chat messages to token ids, through the model's own chat template.

The template renders a conversation as text, including special tokens, so the tokenizer adds none. The result has one
BOS if the model family uses one, and otherwise none. A special token in a message is tokenised as text
(tom/prompts/special_tokens.py).
"""

import hashlib
import struct
from dataclasses import dataclass
from itertools import takewhile

from tom.core.errors import UserError
from tom.prompts.prompts import Messages
from tom.prompts.special_tokens import STAND_IN
from tom.prompts.templates import GENERATION_CONFIG, Template, template_of

THINKING = "enable_thinking"
"""The variable with which families such as Qwen3 turn their thoughts off."""


@dataclass(frozen=True)
class Exchange:
    """Token ids of a prompt, which can include the beginning of a reply, and of the rest of the reply."""

    prompt: tuple[int, ...]
    reply: tuple[int, ...]


def prompt_ids(tokenizer, messages: Messages) -> tuple[int, ...]:
    """Token ids of the prompt, up to where the assistant's reply begins."""
    return _encode(tokenizer, template_of(tokenizer).render(messages, generate=True))


def tokens_sha256(tokenizer, messages: Messages) -> str:
    """SHA-256 of the prompt's token ids, each as four bytes, the lowest byte first."""
    ids = prompt_ids(tokenizer, messages)
    return hashlib.sha256(struct.pack(f"<{len(ids)}I", *ids)).hexdigest()


def opening_ids(tokenizer, messages: Messages) -> tuple[int, ...]:
    """The leading token ids of the prompt that do not depend on its last message. At least one token is left out."""
    prompt = prompt_ids(tokenizer, messages)
    other = prompt_ids(tokenizer, [*messages[:-1], messages[-1] | {"content": "."}])
    same = takewhile(lambda pair: pair[0] == pair[1], zip(prompt[:-1], other, strict=False))
    return tuple(token for token, _ in same)


def exchange(tokenizer, messages: Messages, reply: str, ends: bool = True, given: int = 0) -> Exchange:
    """Tokenise a prompt with one reply.

    ends: whether the reply includes the token that ends its turn, or ends after its last character. given: the number
    of leading characters of the reply that count as part of the prompt; a token that extends beyond them belongs to the
    reply. Errors: UserError if the template changes the prompt or the reply, or does not end a turn.
    """
    template = template_of(tokenizer)
    before = template.render(messages, generate=True)
    whole = _with_reply(template, before, messages, reply)
    prompt, ids = _encode(tokenizer, before), _encode(tokenizer, whole)
    if ids[: len(prompt)] != prompt:
        raise UserError(f"{template.name}: its chat template tokenises the prompt differently before {reply!r}")
    at = _place(template, whole, before, reply)
    if before_reply := whole[len(before) : at].strip():
        raise UserError(
            f"{template.name}: its chat template writes {before_reply!r} before a reply ({_allowed(template)})"
        )
    if not ends:
        ids = _encode(tokenizer, whole[: at + len(template.as_text(reply.rstrip(), "assistant"))])
    else:
        ids = _ended(tokenizer, ids, len(prompt), messages, reply)
    start = len(prompt)
    if given:
        known = _encode(tokenizer, whole[: at + len(template.as_text(reply[:given], "assistant"))])
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(known, ids, strict=False))
        start = max(start, len(list(alike)))
    return Exchange(ids[:start], ids[start:])


def _with_reply(template: Template, before: str, messages: Messages, reply: str) -> str:
    """The prompt, the reply, and what the template writes after a reply."""
    whole = template.render([*messages, {"role": "assistant", "content": reply}], generate=False)
    if whole.startswith(before):
        return whole
    history = template.render(messages, generate=False)
    if not before.startswith(history) or not whole.startswith(history):
        return whole
    # A template may write a reply of the past otherwise than it begins one, above all without the model's thoughts.
    begun = before[len(history) :]
    if "<think>" in begun and "</think>" not in begun:
        raise UserError(
            f"{template.name}: its chat template begins a reply with {begun!r}, a thought ({_allowed(template)})"
        )
    return before + whole[_place(template, whole, history, reply) :].lstrip()


def _ended(tokenizer, ids: tuple[int, ...], start: int, messages: Messages, reply: str) -> tuple[int, ...]:
    """The ids up to the token that ends the reply, which begins at `start`. Errors: UserError if there is none."""
    template = template_of(tokenizer)
    end = _first(ids, template.ends, start)
    if end is None:
        # A family such as GLM-4 ends a reply with the mark of who speaks next.
        turns = [*messages, {"role": "assistant", "content": reply}, {"role": "user", "content": "."}]
        longer = _encode(tokenizer, template.render(turns, generate=False))
        ids, end = longer, _first(longer, template.ends, len(ids)) if longer[: len(ids)] == ids else None
    if end is None:
        names = " or ".join(map(repr, tokenizer.convert_ids_to_tokens(sorted(template.ends)))) or "any end token"
        raise UserError(
            f"{template.name}: its chat template does not end a reply with {names} (allowed: a {GENERATION_CONFIG}"
            " whose eos_token_id lists the token that ends one)"
        )
    return ids[: end + 1]


def _first(ids: tuple[int, ...], wanted: frozenset[int], start: int) -> int | None:
    return next((place for place in range(start, len(ids)) if ids[place] in wanted), None)


def _allowed(template: Template) -> str:
    return f"allowed: {'template.enable_thinking: false' if THINKING in template.known_variables else 'another model'}"


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


def _place(template: Template, whole: str, before: str, reply: str) -> int:
    """The index of the reply's first character in the text, as if the template had not stripped leading white space."""
    at = whole.find(template.as_text(reply.strip(), "assistant"), len(before))
    if at < 0:
        raise UserError(f"{template.name}: its chat template rewrites the reply {reply!r}")
    return at - (len(reply) - len(reply.lstrip()))


def _encode(tokenizer, text: str) -> tuple[int, ...]:
    if STAND_IN.search(text):
        return template_of(tokenizer).special_tokens.encode(text)
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
