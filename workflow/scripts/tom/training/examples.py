"""What a student is taught: a prompt, and each distinct reply of the teacher with its count.

300 observations of one prompt are a handful of distinct choices; weighting them by count gives the gradient of
the 300 separate rows (tests/training/test_objective.py). What is learnt of a reply is the recipe's `target`:

- `choices`: the choice alone. Where a reply is a letter, that is the whole of it, its end of turn included. Where
  the motivation follows the letter, the reply breaks off behind it: an end of turn there would teach the student
  to stop, and how it goes on is left as it was. Where the motivation comes first, the teacher's own is read as
  part of the prompt and only what follows it is learnt.
- `replies`: the whole reply as the teacher gave it, its end of turn included unless it was cut off for its length.
- `shuffled_motivation`, the control: the reply's own choice with a motivation from another cell
  (tom/training/rationales.py).

In each of them the replies are pooled over the listing orders that the teacher was asked in and taught in every
order asked for, so that all teach the same choices: a teacher recorded in one order then teaches a choice that
doesn't depend on the order. Replies that can't be read teach nothing.
"""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from tom.core.errors import UserError
from tom.prompts.cells import CellFiles, render_variants
from tom.prompts.prompts import CHOICE, CHOICE_LAST, Messages
from tom.prompts.variants import LABELS, PAPER_VARIANT, asked, scored
from tom.training.rationales import exchange_motivations, split_replies
from tom.training.recipe import BOTH, LABEL, ORIGINAL, SHUFFLED_MOTIVATION


class WeightedReply(NamedTuple):
    """A reply and its count.

    ends: whether its end of turn is learnt too. given: how many characters at its beginning are read, not learnt.
    """

    text: str
    count: int
    ends: bool = True
    given: int = 0


@dataclass(frozen=True)
class TrainingExample:
    """One prompt with its replies. Examples of a group begin alike and are learnt in one step."""

    group: str
    context: str
    messages: Messages
    replies: tuple[WeightedReply, ...]


def count_choices(shard: pl.DataFrame) -> dict[str, int]:
    """Observations of a shard by action: cooperate, defect, and invalid for replies that can't be read."""
    actions = shard.filter(pl.col("record") == "observation")["action"]
    counts = {action: int((actions == action).sum()) for action in ("cooperate", "defect")}
    return counts | {"invalid": actions.null_count()}


def weighted_replies(shards: list[pl.DataFrame], target: str, form: str, seed: int) -> list[tuple[WeightedReply, ...]]:
    """What is learnt of the replies in each cell's shard.

    form: of the prompt_format (tom/prompts/prompts.py). seed: of which motivation goes where.
    Errors: UserError where a reply's text is needed and a shard has none.
    """
    if target == LABEL and form != CHOICE_LAST:
        return [_letters(shard, ends=form == CHOICE) for shard in shards]
    cells = [split_replies(shard, form) for shard in shards]
    if target == SHUFFLED_MOTIVATION:
        cells = exchange_motivations(cells, form, seed)
    counts = [
        Counter((reply.text, reply.ends, len(reply.first) if target == LABEL else 0) for reply in cell)
        for cell in cells
    ]
    return [
        tuple(WeightedReply(text, n, ends, given) for (text, ends, given), n in counted.items()) for counted in counts
    ]


def _letters(shard: pl.DataFrame, ends: bool) -> tuple[WeightedReply, ...]:
    counts = count_choices(shard)
    return tuple(
        WeightedReply(PAPER_VARIANT.label(action == "cooperate"), counts[action], ends)
        for action in ("cooperate", "defect")
        if counts[action]
    )


def cell_examples(
    files: CellFiles, replies: tuple[WeightedReply, ...], orders: list[str], letters: str
) -> list[TrainingExample]:
    """What is learnt in one cell as examples, one for each listing order and for each meaning of the letters.

    letters: of LABEL_MAPPINGS (tom/training/recipe.py). Errors: UserError for letters to exchange in replies that are longer.
    """
    variants = scored(orders) if letters == BOTH else asked(orders)
    examples = []
    for variant, messages in zip(variants, render_variants(files, variants), strict=True):
        exchanged = variant.cooperation_label != PAPER_VARIANT.cooperation_label
        # What comes before the replies differs, so they are learnt in a step of their own.
        group = "/".join([files.game, variant.order, *(["exchanged"] if exchanged else [])])
        taught = tuple(map(_exchange, replies)) if exchanged else replies
        examples.append(TrainingExample(group, files.context_file.stem, messages, taught))
    return examples


def _exchange(reply: WeightedReply) -> WeightedReply:
    """The same choice where the letters are exchanged."""
    if reply.text not in LABELS:
        raise UserError(f"training.label_mapping: {reply.text!r} is more than a letter (allowed with it: {ORIGINAL})")
    return reply._replace(text=LABELS[1 - LABELS.index(reply.text)])


def group_examples(examples: list[TrainingExample]) -> list[list[TrainingExample]]:
    """Examples by group, in the order of first appearance."""
    groups: dict[str, list[TrainingExample]] = {}
    for example in examples:
        groups.setdefault(example.group, []).append(example)
    return list(groups.values())
