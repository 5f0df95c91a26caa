"""Replies made by a small grammar: what the tiny pair (tests/tiny_pair/tiny_lessons.py) learns to say.

A reply is well formed for one of the forms of tom/prompts/prompts.py, or awkward: it refuses, wavers, says nothing or
leaves the letter out, so that a reader of replies has something to count.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tom.core.errors import UserError
from tom.games.game import Game
from tom.prompts.prompts import CHOICE, CHOICE_FIRST, CHOICE_LAST
from tom.prompts.variants import Variant


@dataclass(frozen=True)
class Words:
    """How a context's player speaks of the other one, and of what is at stake."""

    other: str
    stake: str


CONTEXTS = {
    "business": Words("the other CEO", "profit"),
    "diplomacy": Words("the other delegate", "the summit"),
    "environment": Words("the other leading CEO", "my public image"),
    "friendship": Words("my friend", "our code of conduct"),
    "investors": Words("the other investor", "news from the market"),
    "roommates": Words("my roommate", "our small flat"),
    "sports": Words("the other athlete", "my training"),
    "teamwork": Words("my colleague", "the promotion"),
}
ATTITUDES = {
    True: (
        "I trust {other} to choose {cooperation} as well.",
        "{Other} and I both do well if we choose {cooperation}.",
        "With {stake} at stake I would rather work with {other}.",
        "I want {other} to see that I can be relied on.",
    ),
    False: (
        "I can't be sure what {other} will choose.",
        "I don't trust {other} enough to choose {cooperation}.",
        "With {stake} at stake I have to look after myself.",
        "{Other} may well choose {defection}.",
    ),
}
REASONS = {
    True: (
        "If we both choose {cooperation}, each of us gets {R} points.",
        "We would get {R} and {R} points, which is fair to both.",
        "It could leave me with {S} points, but the risk is worth taking.",
        "{R} points for each of us is a good result.",
    ),
    False: (
        "If {other} chooses {cooperation}, I get {T} points.",
        "Choosing {cooperation} could leave me with {S} points.",
        "With {defection} I never get less than {P} points.",
        "Even if we both choose {defection}, I keep {P} points.",
    ),
}
OPENINGS = ("{letter}. {motivation}", "{letter}\n\n{motivation}", "{letter}: {motivation}")
AWKWARD = (
    "",
    "I can't make that choice for you.",
    "I'm sorry, but I don't play games with points.",
    "Both {first} and {second} have something to say for them.",
    "I would wait and see what {other} does.",
)
WELL_FORMED = {
    CHOICE: re.compile(r"[CD]"),
    CHOICE_FIRST: re.compile(r"[CD](\. |: |\n\n)\S+( \S+){5,}[.]"),
    CHOICE_LAST: re.compile(r"\S+( \S+){5,}[.]\nChoice: [CD]"),
}


def words_of(context: str) -> Words:
    """How players of a context speak. Errors: UserError if no words were made for it."""
    if context not in CONTEXTS:
        raise UserError(f"{Path(__file__).name}: no words for the context '{context}' (allowed: {', '.join(CONTEXTS)})")
    return CONTEXTS[context]


def make_reply(
    form: str, game: Game, context: str, variant: Variant, cooperates: bool, generator: np.random.Generator
) -> str:
    """A well-formed reply that makes the given choice; in the free forms with two sentences of motivation."""
    letter = variant.label(cooperates)
    if form == CHOICE:
        return letter
    fields = _fields(game, context, variant)
    motivation = " ".join(_pick(part[cooperates], generator).format(**fields) for part in (ATTITUDES, REASONS))
    if form == CHOICE_LAST:
        return f"{motivation}\nChoice: {letter}"
    return _pick(OPENINGS, generator).format(letter=letter, motivation=motivation)


def make_awkward_reply(context: str, variant: Variant, generator: np.random.Generator) -> str:
    """A reply that names no choice, empty ones included."""
    first, second = (variant.label(action) for action in variant.actions())
    return _pick(AWKWARD, generator).format(first=first, second=second, other=words_of(context).other)


def is_well_formed(form: str, reply: str) -> bool:
    """Whether a reply has the shape that `make_reply` gives it, whatever it says."""
    return WELL_FORMED[form].fullmatch(reply) is not None


def _fields(game: Game, context: str, variant: Variant) -> dict[str, str]:
    words = words_of(context)
    points = {letter: f"{getattr(game, letter):.12g}" for letter in "TRPS"}
    labels = {"cooperation": variant.cooperation_label, "defection": variant.defection_label}
    other = words.other
    return points | labels | {"other": other, "Other": other[0].upper() + other[1:], "stake": words.stake}


def _pick(choices: tuple[str, ...], generator: np.random.Generator) -> str:
    return choices[generator.integers(len(choices))]
