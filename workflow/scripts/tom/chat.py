"""Chat messages to token ids, through the model's own template.

A conversation is rendered as text and tokenised without further special tokens, since templates write
their own: that gives one BOS where the family has one, and none where it has none.
"""

from dataclasses import dataclass
from itertools import takewhile

from jinja2 import TemplateError

from tom.errors import BadInput
from tom.prompts import Messages


@dataclass(frozen=True)
class Exchange:
    """Token ids of a prompt and of one reply to it; the reply ends with the end-of-turn token."""

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


def exchange(tokenizer, messages: Messages, reply: str) -> Exchange:
    """Tokenise one reply in its place.

    Errors: BadInput where the template rewrites the prompt once a reply follows, or never ends a turn.
    """
    before = _text(tokenizer, messages, generate=True)
    whole = _text(tokenizer, [*messages, {"role": "assistant", "content": reply}], generate=False)
    prompt, ids = _encode(tokenizer, before), _encode(tokenizer, whole)
    if ids[: len(prompt)] != prompt:
        raise BadInput(f"{tokenizer.name_or_path}: its chat template tokenises the prompt differently before {reply!r}")
    tail = ids[len(prompt) :]
    if tokenizer.eos_token_id not in tail:
        raise BadInput(f"{tokenizer.name_or_path}: its chat template does not end a reply with {tokenizer.eos_token!r}")
    return Exchange(prompt, tail[: tail.index(tokenizer.eos_token_id) + 1])


def option_ids(tokenizer, messages: Messages, options: tuple[str, ...]) -> list[tuple[int, ...]]:
    """Token ids of each option as a reply, its end-of-turn token left out.

    Errors: BadInput if one option's ids begin another's, for then their probabilities overlap.
    """
    ids = [exchange(tokenizer, messages, option).reply[:-1] for option in options]
    for one in range(len(ids)):
        for other in range(len(ids)):
            if one != other and ids[other][: len(ids[one])] == ids[one]:
                raise BadInput(f"options {options[one]!r} and {options[other]!r} begin with the same tokens")
    return ids


def _text(tokenizer, messages: Messages, generate: bool) -> str:
    try:
        return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=generate)
    except (TemplateError, ValueError) as error:
        raise BadInput(f"{tokenizer.name_or_path}: its chat template can't be used: {error}") from None


def _encode(tokenizer, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
