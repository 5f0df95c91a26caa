"""The tiny pair: a teacher and a student small enough to train from scratch and to ship, for tests of the workflow.

The teacher is a caricature of a published one: it cooperates at its rates, cell by cell. The student knows nothing
of games: as untuned small models do, it prefers whatever is listed first, and often gives no letter at all.
Both learn from replies made by tests/tiny_pair/made_replies.py.
"""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

from made_replies import make_awkward_reply, make_reply

from tom.core.random import cell_generator
from tom.games.game import load_game
from tom.games.names import file_stem
from tom.prompts.cells import CellFiles
from tom.prompts.contexts import load_context
from tom.prompts.prompts import CHOICE, Messages, load_prompt_format, render
from tom.prompts.variants import ORDERS, Variant, asked

Counts = dict[tuple[str, str], tuple[int, int]]
LEAST_RATE = 0.02
"""The nearest that a taught rate comes to 0 or 1: some published cells never cooperated, and no logit is infinite."""
FIRST_LISTED_RATE = 0.75
"""How often the student takes the option that is listed first."""

MADE_REPLIES = 4
"""How many well-formed replies with a motivation are made for each prompt and action."""
VOCABULARY = 1024
"""The most tokens that the pair's tokenizer may have; bytes and every word of prompts and replies need fewer."""


@dataclass(frozen=True)
class TinyTexts:
    """Where the texts of prompts lie; games and contexts by name."""

    games: dict[str, Path]
    contexts: dict[str, Path]
    prompt_formats: list[Path]


@dataclass(frozen=True)
class TinyRole:
    """Size and upbringing of one of the pair. awkward: share of replies that name no choice."""

    layers: int
    intermediate: int
    awkward: float
    epochs: int


ROLES = {
    "teacher": TinyRole(layers=4, intermediate=384, awkward=0.03, epochs=10),
    "student": TinyRole(layers=2, intermediate=256, awkward=0.30, epochs=6),
}


@dataclass(frozen=True)
class TinyLesson:
    """One prompt, its cell, the rate of cooperation to learn, and replies with weights that sum to 1."""

    form: str
    max_tokens: int
    game: str
    context: str
    variant: Variant
    rate: float
    messages: Messages
    replies: tuple[tuple[str, float], ...]


def taught_rate(role: str, counts: Counts, game: str, context: str, variant: Variant) -> float:
    """The rate of cooperation that a model of the pair learns for a cell in a variant."""
    if role == "student":
        return FIRST_LISTED_RATE if variant.actions()[0] else 1 - FIRST_LISTED_RATE
    cooperated, observations = counts[game, context]
    return min(max(cooperated / observations, LEAST_RATE), 1 - LEAST_RATE)


def tiny_lessons(role: str, counts: Counts, texts: TinyTexts, seed: int) -> list[TinyLesson]:
    """A lesson for every prompt format, published cell and listing order.

    counts: (game, context) → (cooperated, observations). The replies to a prompt carry its rate as their weights,
    so it is learnt without sampling noise. Errors: UserError for a context without words.
    """
    cells = [
        CellFiles(game, texts.games[file_stem(game)], texts.contexts[context], file)
        for file, (game, context) in product(texts.prompt_formats, sorted(counts))
    ]
    return [_lesson(role, counts, files, variant, seed) for files in cells for variant in asked(list(ORDERS))]


def _lesson(role: str, counts: Counts, files: CellFiles, variant: Variant, seed: int) -> TinyLesson:
    prompt_format = load_prompt_format(files.prompt_format_file)
    game, context = load_game(files.game_file, files.game), load_context(files.context_file)
    rate = taught_rate(role, counts, files.game, context.name, variant)
    generator = cell_generator(seed, role, prompt_format.name, files.game, context.name, variant.order)
    awkward, each = ROLES[role].awkward, 1 if prompt_format.form == CHOICE else MADE_REPLIES
    made = []
    for cooperates, share in ((True, rate), (False, 1 - rate)):
        for _ in range(each):
            reply = make_reply(prompt_format.form, game, context.name, variant, cooperates, generator)
            made.append((reply, share * (1 - awkward) / each))
    made.append((make_awkward_reply(context.name, variant, generator), awkward))
    messages = render(prompt_format, game, context, variant)
    return TinyLesson(
        form=prompt_format.form,
        max_tokens=prompt_format.max_tokens,
        game=files.game,
        context=context.name,
        variant=variant,
        rate=rate,
        messages=messages,
        replies=tuple(made),
    )


def corpus(examples: list[TinyLesson]) -> list[str]:
    """What a tokenizer is trained on: every message and reply."""
    messages = [message["content"] for example in examples for message in example.messages]
    return messages + [reply for example in examples for reply, _ in example.replies]


def by_stem(files: list[Path]) -> dict[str, Path]:
    """Files by their names without suffix."""
    return {file.stem: file for file in files}
