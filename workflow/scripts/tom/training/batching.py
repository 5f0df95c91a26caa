"""Batches: which replies each optimiser step learns.

Without a batch size, a step learns all replies of a group, the prompts of one game that begin alike. With one, the
replies of all cells are shuffled anew in each epoch and cut into batches, as the trainers of TRL and transformers do
with their rows. The last batch of an epoch is smaller unless the sizes divide, so every reply is learnt once an epoch.

A row stands for all replies that are equal. A batch holds it once, with the number of them that were drawn. A batch may
also have whole prompts in place of replies. With exact probabilities it must, since these are fractions of replies.
"""

import math
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

MIXED = "mixed"
"""The group of a batch that was drawn from several."""
SMALLEST_MOVE = 1e-3
"""A training that can't move a weight further hardly changes its model. The default recipe's bound is 0.016, that of
arXiv 2408.05241 0.007."""


class Row(NamedTuple):
    """A tokenised prompt with one reply.

    count: the observations that it stands for, or a fraction of them. cell: the name of the cell that the prompt is a
    variant of.
    """

    group: str
    prompt: tuple[int, ...]
    reply: tuple[int, ...]
    count: float
    cell: str = ""


def by_group(rows: list[Row]) -> list[list[Row]]:
    """The rows of each group, with groups in the order of their first row."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    return list(groups.values())


def epoch_order(seed: int, epoch: int, number: int) -> list[int]:
    """The order of some items in one epoch. It depends on its arguments alone, so resuming does not change it."""
    import numpy as np  # the workflow is read without it

    return np.random.default_rng([seed, epoch]).permutation(number).tolist()


def draw_prompts(
    rows: list[Row], batch_size: int, seed: int, epoch: int, variants: int | None = None
) -> Iterator[list[Row]]:
    """The batches of one epoch: `batch_size` prompts each, with all of their rows.

    variants: of each cell, drawn anew in each epoch; None for all of them.
    """
    prompts = by_prompt(rows)
    drawn = epoch_order(seed, epoch, len(prompts))
    if variants is not None:
        left = dict.fromkeys((prompt[0].cell for prompt in prompts), variants)
        kept = []
        for index in drawn:
            cell = prompts[index][0].cell
            if left[cell]:
                left[cell] -= 1
                kept.append(index)
        drawn = kept
    for start in range(0, len(drawn), batch_size):
        yield [row for index in sorted(drawn[start : start + batch_size]) for row in prompts[index]]


def by_prompt(rows: list[Row]) -> list[list[Row]]:
    """The rows of each prompt, with prompts in the order of their first row."""
    prompts: dict[tuple[str, tuple[int, ...]], list[Row]] = {}
    for row in rows:
        prompts.setdefault((row.cell, row.prompt), []).append(row)
    return list(prompts.values())


def drawn_prompts(rows: list[Row], variants: int | None) -> int:
    """How many prompts an epoch of draw_prompts has."""
    sizes = Counter(prompt[0].cell for prompt in by_prompt(rows))
    return sum(size if variants is None else min(size, variants) for size in sizes.values())


def draw_batches(rows: list[Row], batch_size: int, seed: int, epoch: int) -> Iterator[list[Row]]:
    """The batches of one epoch: `batch_size` replies each, equal ones as one row, rows in their given order."""
    import numpy as np

    drawn = np.repeat(np.arange(len(rows)), [row.count for row in rows])
    drawn = drawn[epoch_order(seed, epoch, len(drawn))]
    for start in range(0, len(drawn), batch_size):
        indices, counts = np.unique(drawn[start : start + batch_size], return_counts=True)
        yield [
            rows[index]._replace(count=count) for index, count in zip(indices.tolist(), counts.tolist(), strict=True)
        ]


def steps_per_epoch(groups: int, items: int, batch_size: int | None) -> int:
    """The number of batches in an epoch. items: what is drawn, replies or whole prompts."""
    return groups if batch_size is None else math.ceil(items / batch_size)


def describe_steps(per_epoch: int, epochs: int, learning_rate: float) -> list[str]:
    """The number of optimiser steps in words, and a warning if they are too few for the learning rate."""
    steps = per_epoch * epochs
    lines = [f"{steps} optimiser steps: {epochs} epochs of {per_epoch}"]
    # A step of Adam moves a weight by about the learning rate at most (Kingma and Ba, arXiv 1412.6980, section 2.1).
    # Warm-up and cosine decay both have half of the peak as their mean.
    if (move := steps * learning_rate / 2) < SMALLEST_MOVE:
        lines.append(
            f"warning: {steps} steps at a learning rate of {learning_rate:g} move a weight by about {steps} x"
            f" {learning_rate:g} / 2 = {move:.2g} at most, and less than {SMALLEST_MOVE:g} hardly changes a model:"
            " raise training.learning_rate or training.epochs, or set a smaller training.batch_size"
        )
    return lines
