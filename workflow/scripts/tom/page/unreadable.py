"""Replies that can't be read: how many, why, and what they say."""

import polars as pl

from tom.page.html_tables import Dictionary, Table, to_table
from tom.page.transcripts import Cap, capped, with_result

EXAMPLES = Cap(3, 600)


def unreadable_tables(replies: pl.DataFrame, dictionary: Dictionary, files: list[str]) -> list[Table]:
    """Counts by reason, then examples; no table where every reply was read. replies: the table of every split."""
    invalid = with_result(replies).filter(pl.col("action").is_null())
    if invalid.is_empty():
        return []
    described = dictionary["replies"] | {
        "result": ("String", "", "why the reply could not be read"),
        "share": ("Float64", "", "of the model's replies in the split"),
        "texts": ("Int64", "", "different ones among them"),
    }
    filters = ("split", "model", "result", "rule")
    counts, examples = unreadable_counts(replies, invalid), unreadable_examples(invalid)
    return [
        to_table(counts, described, "unreadable-counts", "Unreadable replies by reason", "", files, filters),
        to_table(examples, described, "unreadable-examples", "The most frequent of them", "", files, filters),
    ]


def unreadable_counts(replies: pl.DataFrame, invalid: pl.DataFrame) -> pl.DataFrame:
    """A row for each (split, model, result, rule): replies, their share of all, and how many texts differ."""
    keys = ["split", "model"]
    totals = replies.group_by(keys).agg(total=pl.col("replies").sum())
    counts = invalid.group_by(*keys, "result", "rule", maintain_order=True).agg(
        pl.col("replies").sum(), texts=pl.col("raw").n_unique()
    )
    shares = counts.join(totals, on=keys, maintain_order="left").with_columns(share=pl.col("replies") / pl.col("total"))
    return shares.select(*keys, "result", "rule", "replies", "share", "texts")


def unreadable_examples(invalid: pl.DataFrame) -> pl.DataFrame:
    """The most frequent texts of each split, model and reason, over cells and orders together."""
    keys = ("split", "model", "result")
    texts = invalid.group_by(*keys, "rule", "raw", maintain_order=True).agg(pl.col("replies").sum())
    return capped(texts.sort("replies", descending=True, maintain_order=True), EXAMPLES, keys).drop("shortened")
