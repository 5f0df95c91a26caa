"""What a student is taught: a prompt, and each distinct reply of the teacher with its count.

300 observations of one prompt are a handful of distinct replies; weighting them by count gives the
gradient of the 300 separate rows (tests/test_objective.py).
"""

from dataclasses import dataclass

import polars as pl

from tom.cells import CellFiles, render_variants
from tom.prompts import Messages
from tom.variants import asked


@dataclass(frozen=True)
class Lesson:
    """One prompt with its replies and their counts. Lessons of a group begin alike and are learnt in one step."""

    group: str
    context: str
    messages: Messages
    replies: tuple[tuple[str, int], ...]


def count_choices(shard: pl.DataFrame) -> dict[str, int]:
    """Observations of a shard by action: cooperate, defect, and invalid for replies that can't be read."""
    actions = shard.filter(pl.col("record") == "observation")["action"]
    counts = {action: int((actions == action).sum()) for action in ("cooperate", "defect")}
    return counts | {"invalid": actions.null_count()}


def choice_lessons(files: CellFiles, shard: pl.DataFrame, orders: list[str]) -> list[Lesson]:
    """The teacher's choices in one cell as lessons, one for each listing order.

    The choices are pooled over the orders that the teacher was asked in and taught in every order asked
    for: a teacher recorded in one order then teaches a choice that doesn't depend on the order. Replies
    that can't be read teach nothing.
    """
    counts = count_choices(shard)
    variants = asked(orders)
    lessons = []
    for variant, messages in zip(variants, render_variants(files, variants), strict=True):
        replies = tuple(
            (variant.label(action == "cooperate"), counts[action])
            for action in ("cooperate", "defect")
            if counts[action]
        )
        group = f"{files.game}/{variant.order}"
        lessons.append(Lesson(group, files.context_file.stem, messages, replies))
    return lessons


def group_lessons(lessons: list[Lesson]) -> list[list[Lesson]]:
    """Lessons by group, in the order of first appearance."""
    groups: dict[str, list[Lesson]] = {}
    for lesson in lessons:
        groups.setdefault(lesson.group, []).append(lesson)
    return list(groups.values())
