"""Training examples: a prompt, and each distinct reply of the teacher with its count.

300 observations of a prompt are a handful of distinct replies. Weighted by their counts, these have the gradient of the
300 separate rows (tests/training/test_objective.py). The recipe's `target` says which part of a reply is learnt:

- `label`: the choice alone.
  - If the reply is a single letter, that is all of it, including the end-of-turn token.
  - If a motivation follows the letter, the target ends right after the letter. There is no end-of-turn token, since it
    would teach the student to stop there.
  - If the motivation comes first, it is part of the prompt, and the target is the rest of the reply.
- `probabilities`: both choices, weighted by the teacher's exact probabilities of them in that very prompt. They sum to
  the number of readable replies that the prompt has with `label`, so that it weighs as much.
- `full_reply`: the whole reply, with the end-of-turn token unless the reply was truncated.
- `shuffled_motivation`, a control: the reply's own choice with a motivation from another cell
  (tom/training/rationales.py).

A teacher that was asked in both option orders has replies of each, which belong to the prompts of that order. The
replies of one that was asked in a single order, such as a recorded one, are learnt in every option order of the config.
Unreadable replies are left out, and so is a prompt in whose order a cell has no readable reply.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from tom.core.errors import UserError
from tom.prompts.cells import CellFiles, render_variants
from tom.prompts.prompts import CHOICE, CHOICE_LAST, Messages
from tom.prompts.variants import LABELS, PAPER_VARIANT, Variant, scored
from tom.training.rationales import exchange_motivations, split_replies
from tom.training.recipe import LABEL, ORIGINAL, PROBABILITIES, SHUFFLED_MOTIVATION


class WeightedReply(NamedTuple):
    """A reply and its count, which is a fraction with exact probabilities.

    ends: whether the end-of-turn token is learnt too. given: the number of characters at the beginning of the reply
    that belong to the prompt and are not learnt. asked: the (option order, label of cooperation) of the prompts that
    the reply belongs to; a label of None is any, and None alone stands for all prompts.
    """

    text: str
    count: float
    ends: bool = True
    given: int = 0
    asked: tuple[str, str | None] | None = None


@dataclass(frozen=True)
class TrainingExample:
    """One prompt with its replies. The prompts of a group begin alike."""

    group: str
    context: str
    messages: Messages
    replies: tuple[WeightedReply, ...]

    @property
    def cell(self) -> str:
        """The name of the cell that it is a variant of."""
        return f"{self.group.partition('/')[0]}/{self.context}"


def count_choices(shard: pl.DataFrame) -> dict[str, int]:
    """The number of observations in a shard by action: cooperate, defect, and invalid for unreadable replies."""
    actions = shard.filter(pl.col("record") == "observation")["action"]
    counts = {action: int((actions == action).sum()) for action in ("cooperate", "defect")}
    return counts | {"invalid": actions.null_count()}


def orders_of(shard: pl.DataFrame) -> list[str]:
    """The option orders of a shard's observations, sorted."""
    return shard.filter(record="observation")["order"].unique().sort().to_list()


def weighted_replies(
    shards: list[pl.DataFrame], target: str, form: str, seed: int, by_order: bool = False
) -> list[tuple[WeightedReply, ...]]:
    """The replies to learn in each cell, in the order of the shards.

    target: one of TARGETS. form: of the prompt format, one of FORMS (tom/prompts/prompts.py). seed: of the assignment
    of shuffled motivations. by_order: whether a drawn reply belongs to the prompts of its own option order alone.
    Errors: UserError if the target needs the text of a reply that has none, or exact probabilities of a teacher
    without.
    """
    if target == PROBABILITIES:
        return [_exact_replies(shard, form == CHOICE, by_order) for shard in shards]
    if target == LABEL and form != CHOICE_LAST:
        return [_label_replies(shard, form == CHOICE, by_order) for shard in shards]
    cells = [split_replies(shard, form) for shard in shards]
    if target == SHUFFLED_MOTIVATION:
        cells = exchange_motivations(cells, form, seed)
    counts = [
        Counter(
            (
                reply.text,
                reply.ends,
                len(reply.first) if target == LABEL else 0,
                (reply.order, None) if by_order else None,
            )
            for reply in cell
        )
        for cell in cells
    ]
    return [tuple(WeightedReply(text, n, *rest) for (text, *rest), n in counted.items()) for counted in counts]


def _label_replies(shard: pl.DataFrame, ends: bool, by_order: bool) -> tuple[WeightedReply, ...]:
    parts = {(order, None): shard.filter(order=order) for order in orders_of(shard)} if by_order else {None: shard}
    return tuple(
        WeightedReply(PAPER_VARIANT.label(action == "cooperate"), counts[action], ends, asked=asked)
        for asked, counts in ((asked, count_choices(part)) for asked, part in parts.items())
        for action in ("cooperate", "defect")
        if counts[action]
    )


def _exact_replies(shard: pl.DataFrame, ends: bool, by_order: bool) -> tuple[WeightedReply, ...]:
    replies = []
    for row in shard.filter(record="score").iter_rows(named=True):
        label = row["cooperation_label"]
        counts = count_choices(shard.filter(order=row["order"]) if by_order else shard)
        weight = max(1, counts["cooperate"] + counts["defect"])
        labels = (label, LABELS[1 - LABELS.index(label)])
        for text, share in zip(labels, (row["p_cooperate"], 1 - row["p_cooperate"]), strict=True):
            if share:
                replies.append(WeightedReply(text, weight * share, ends, asked=(row["order"], label)))
    if not replies:
        raise _no_probabilities(*shard.select("game", "context").row(0))
    return tuple(replies)


def _no_probabilities(*cell: str) -> UserError:
    return UserError(
        f"training.target: '{PROBABILITIES}': the teacher has no exact probabilities for {' in '.join(cell)}"
        f" (allowed: {LABEL})"
    )


def cell_examples(
    files: CellFiles,
    replies: tuple[WeightedReply, ...],
    option_orders: list[str],
    label_mapping: str,
    label_pairs: Iterable[tuple[str, str]] = (LABELS,),
) -> list[TrainingExample]:
    """The training examples of one cell, one for each combination of labels, label mapping and option order.

    Without the prompts that no reply belongs to. label_mapping: one of LABEL_MAPPINGS (tom/training/recipe.py).
    label_pairs: what the options are called. Errors: UserError if labels are to be changed in replies that are more
    than a letter, or if the teacher has probabilities, but not in some order.
    """
    variants = [variant for pair in label_pairs for variant in scored(option_orders, pair)]
    if label_mapping == ORIGINAL:
        variants = [variant for variant in variants if variant.cooperation_label == variant.labels[0]]
    examples = []
    for variant, messages in zip(variants, render_variants(files, variants), strict=True):
        exchanged = variant.cooperation_label != variant.labels[0]
        # The prompts of another order, of other labels or of another mapping begin differently: a group of their own.
        parts = [files.game, variant.order, *(["exchanged"] if exchanged else [])]
        parts += ["-".join(variant.labels)] if variant.labels != LABELS else []
        # A teacher's probabilities with C and D stand for those with other labels.
        label = LABELS[exchanged] if variant.labels == LABELS else LABELS[0]
        asked_as = (None, (variant.order, None), (variant.order, label))
        targets = tuple(_labelled(reply, variant) for reply in replies if reply.asked in asked_as)
        if not targets and all(reply.asked[1] is None for reply in replies):
            continue
        if not targets:
            raise _no_probabilities(files.game, files.context_file.stem, variant.order)
        examples.append(TrainingExample("/".join(parts), files.context_file.stem, messages, targets))
    return examples


def _labelled(reply: WeightedReply, variant: Variant) -> WeightedReply:
    """The same action under a variant's labels."""
    meant = (reply.asked and reply.asked[1]) or PAPER_VARIANT.cooperation_label
    if variant.labels == LABELS and variant.cooperation_label == meant:
        return reply
    if reply.text not in LABELS:
        raise UserError(f"training.label_mapping: {reply.text!r} is more than a letter (allowed with it: {ORIGINAL})")
    return reply._replace(text=variant.label(reply.text == meant))
