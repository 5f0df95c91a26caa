"""Groups of students side by side in one panel: a student's model is marked with its group's name, `group/model`."""

from collections.abc import Mapping

import polars as pl

from tom.measuring.panels import Panel
from tom.statistics.resampling import Answers

_MARK = "/"


def mark_groups(groups: Mapping[str, pl.DataFrame | pl.LazyFrame]) -> list[pl.LazyFrame]:
    """The shards of each group of students, their models marked."""
    marks = {name: pl.format(f"{{}}{_MARK}{{}}", pl.lit(name), "model").alias("model") for name in groups}
    return [shards.lazy().with_columns(marks[name]) for name, shards in groups.items()]


def students_of(part: Panel, group: str) -> dict[str, Answers]:
    """The panel's students of one group, by their own names."""
    marked = {name.partition(_MARK)[::2]: answers for name, answers in part.tuned.items()}
    return {name: answers for (of, name), answers in marked.items() if of == group}
