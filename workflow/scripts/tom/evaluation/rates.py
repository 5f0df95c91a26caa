"""Rates of each listing order, and replies by their text: the details that the propensities summarise."""

import polars as pl

from tom.evaluation.propensities import CELL, count_replies
from tom.statistics.intervals import jeffreys

_KEYS = ("model", *CELL, "order")


def order_rates(shards: pl.DataFrame | pl.LazyFrame, confidence: float) -> pl.DataFrame:
    """The table rates without its split: one row for each (model, game, context, order).

    Counts are those of count_replies. rate: null without a readable reply. low, high: its Jeffreys interval.
    prompt_sha256: hash of the messages, null for a recorded teacher.
    """
    counts = count_replies(shards)
    readable = counts["cooperated"] + counts["defected"]
    low, high = jeffreys(counts["cooperated"], readable, confidence)
    asked = shards.lazy().filter(record="observation").group_by(_KEYS)
    prompts = asked.agg(pl.col("prompt_sha256").first()).collect(engine="streaming")
    return (
        counts.with_columns(
            rate=pl.when(readable > 0).then(counts["cooperated"] / readable),
            low=pl.Series(low),
            high=pl.Series(high),
        )
        .join(prompts, on=list(_KEYS), how="left", maintain_order="left")
        .select(pl.exclude("exact", "option_mass", "prompt_sha256"), "exact", "option_mass", "prompt_sha256")
    )


def group_replies(shards: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """The table replies without its split: the distinct replies of each cell and order, the most frequent first.

    Replies are the same if they have the same text and were read alike: action, outcome, rule and finish.
    """
    given = shards.lazy().filter(record="observation")
    grouped = given.group_by(*_KEYS, "action", "outcome", "rule", "finish", "raw")
    replies = grouped.agg(replies=pl.len().cast(pl.Int64)).collect(engine="streaming")
    order = [*_KEYS, "replies", "outcome", "action", "rule", "finish", "raw"]
    return replies.sort(order, descending=[name == "replies" for name in order], nulls_last=True)
