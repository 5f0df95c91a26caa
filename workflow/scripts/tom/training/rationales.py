"""Replies split into choice and motivation, and the control in which motivations come from another cell.

The control has the same choices and texts of the same kind, but no motivation is about the cell that it is learnt in.
What a student of the original replies gains over it comes from what the motivations say about their cells.
"""

import re
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from tom.core.errors import UserError
from tom.core.random import cell_generator, derangement
from tom.parsing.reasoning import first_turn
from tom.prompts.prompts import CHOICE_LAST
from tom.prompts.variants import Variant


@dataclass(frozen=True)
class SplitReply:
    """The choice and the motivation of a reply, in the order of its form.

    ends: whether it was not truncated. order: the option order of its prompt.
    """

    first: str
    second: str
    ends: bool
    order: str | None = None

    @property
    def text(self) -> str:
        return self.first + self.second


def split_replies(shard: pl.DataFrame, form: str) -> list[SplitReply]:
    """Split the readable replies of a shard, each up to a token in it that ends its turn.

    Errors: UserError if a reply has no text.
    """
    rows = shard.filter((pl.col("record") == "observation") & pl.col("action").is_not_null())
    if rows["raw"].null_count():
        raise UserError(
            "{} of {} in {}: replies without a text".format(*rows.select("model", "game", "context").row(0))
        )
    turns = [(row, first_turn(row["raw"])) for row in rows.iter_rows(named=True)]
    return [
        SplitReply(
            *split_reply(text, form, letter_of(row)), row["finish"] != "length" or text != row["raw"], row["order"]
        )
        for row, text in turns
    ]


def letter_of(row: dict) -> str:
    """The letter chosen in an observation."""
    return Variant(row["order"], row["cooperation_label"]).label(row["action"] == "cooperate")


def split_reply(text: str, form: str, letter: str) -> tuple[str, str]:
    """Split a reply after its opening letter, or before its closing choice, depending on the form.

    Emphasis marks and brackets stay with the letter. If the letter is not in the text, all of it counts as the choice
    and the motivation is empty.
    """
    if form == CHOICE_LAST:
        found = list(re.finditer(rf"\s*(?:\b(?i:choice)\b\W*)?\b{letter}\b", text))
        cut = found[-1].start() if found else 0
    else:
        found = re.search(rf"\b{letter}\b[*_)\]\"']*", text)
        cut = found.end() if found else len(text)
    return text[:cut], text[cut:]


def exchange_motivations(cells: list[list[SplitReply]], form: str, seed: int) -> list[list[SplitReply]]:
    """Give every reply a motivation from another cell; choices stay where they are.

    The cells form a random cycle, and each takes its motivations from the next cell. These are shuffled, and repeated
    from the start if there are too few. Errors: UserError if fewer than two cells have replies.
    """
    filled = [index for index, cell in enumerate(cells) if cell]
    if len(filled) < 2:
        raise UserError("training.target: shuffled_motivation needs readable replies in two cells or more")
    generator = cell_generator(seed, "other motivations")
    exchanged = [[] for _ in cells]
    for target, source in derangement(filled, generator):
        order = np.resize(generator.permutation(len(cells[source])), len(cells[target]))
        exchanged[target] = [
            _combine(own, cells[source][index], form) for own, index in zip(cells[target], order, strict=True)
        ]
    return exchanged


def _combine(own: SplitReply, other: SplitReply, form: str) -> SplitReply:
    if form == CHOICE_LAST:
        return replace(own, first=other.first)
    return replace(own, second=other.second, ends=other.ends)
