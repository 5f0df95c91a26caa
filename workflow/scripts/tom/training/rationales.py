"""A reply as two parts, its choice and its motivation, and replies that argue with another cell's motivations.

The control of a training on motivations: the same choices, and texts of the same kind, but no motivation is about
the cell it is learnt in. Whatever a student gains over it, it owes to what the motivations say of their cells.
"""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from tom.core.errors import UserError
from tom.core.random import cell_generator, derangement
from tom.prompts.prompts import CHOICE_LAST
from tom.prompts.variants import Variant


@dataclass(frozen=True)
class SplitReply:
    """A reply in two parts: choice and motivation, or motivation and choice, as its form has them.

    ends: whether it ended of its own accord.
    """

    first: str
    second: str
    ends: bool

    @property
    def text(self) -> str:
        return self.first + self.second


def split_replies(shard: pl.DataFrame, form: str) -> list[SplitReply]:
    """The readable replies of a shard in two parts. Errors: UserError for a reply without a text."""
    rows = shard.filter((pl.col("record") == "observation") & pl.col("action").is_not_null())
    if rows["raw"].null_count():
        raise UserError(
            "{} of {} in {}: replies without a text".format(*rows.select("model", "game", "context").row(0))
        )
    return [
        SplitReply(*split_reply(row["raw"], form, letter_of(row)), ends=row["finish"] != "length")
        for row in rows.iter_rows(named=True)
    ]


def letter_of(row: dict) -> str:
    """The letter that an observation chose."""
    return Variant(row["order"], row["cooperation_label"]).label(row["action"] == "cooperate")


def split_reply(text: str, form: str, letter: str) -> tuple[str, str]:
    """Cut a reply behind the letter that it begins with, or before the choice that it ends with.

    Marks of emphasis and brackets stay with the letter. A reply that was read without that letter in it is all
    choice: its motivation is empty.
    """
    if form == CHOICE_LAST:
        found = list(re.finditer(rf"\s*(?:\b(?i:choice)\b\W*)?\b{letter}\b", text))
        at = found[-1].start() if found else 0
    else:
        found = re.search(rf"\b{letter}\b[*_)\]\"']*", text)
        at = found.end() if found else len(text)
    return text[:at], text[at:]


def exchange_motivations(cells: list[list[SplitReply]], form: str, seed: int) -> list[list[SplitReply]]:
    """Every reply with its own choice and a motivation of another cell.

    The cells stand in a random order, in a circle, and each takes its motivations from the next one: none keeps its own. The
    giver's replies are shuffled, and taken again from the start where it has fewer. Errors: UserError for fewer than
    two cells with replies.
    """
    filled = [index for index, cell in enumerate(cells) if cell]
    if len(filled) < 2:
        raise UserError("training.target: shuffled_motivation needs readable replies in two cells or more")
    generator = cell_generator(seed, "other motivations")
    exchanged = [[] for _ in cells]
    for taker, giver in derangement(filled, generator):
        places = np.resize(generator.permutation(len(cells[giver])), len(cells[taker]))
        exchanged[taker] = [
            _combine(own, cells[giver][place], form) for own, place in zip(cells[taker], places, strict=True)
        ]
    return exchanged


def _combine(own: SplitReply, other: SplitReply, form: str) -> SplitReply:
    if form == CHOICE_LAST:
        return SplitReply(other.first, own.second, own.ends)
    return SplitReply(own.first, other.second, other.ends)
