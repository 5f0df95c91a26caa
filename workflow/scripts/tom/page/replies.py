"""Replies as the page shows them: grouped by text, and as many as keep the file small. Unreadable ones on their own."""

from dataclasses import dataclass

import polars as pl

from tom.page.html_tables import Dictionary, Table, to_table

CHARACTERS = 1_500_000
"""Limit of all replies on the page, the markup of their rows included."""
MARKUP = 200
"""Characters of a row besides its text."""
GROUP = ("split", "model", "game", "context", "order", "result")


@dataclass(frozen=True)
class Cap:
    """How much is shown. texts: different ones of a group, the most frequent first. characters: of each text."""

    texts: int
    characters: int


CAPS = (Cap(50, 4000), Cap(20, 2000), Cap(10, 1500), Cap(5, 1000), Cap(2, 500), Cap(1, 300))
"""From generous to strict. The first under which the replies fit is used, or else the last."""
UNREADABLE_CAP = Cap(3, 600)


@dataclass(frozen=True)
class Transcripts:
    """The replies that the page shows, and how many it leaves out."""

    table: Table
    cap: Cap
    replies: int  # drawn, of all models and splits
    without_text: int  # of these, known as a count alone
    left_out: int  # replies whose text is not shown
    left_out_texts: int
    shortened: int  # texts that are shown in part

    @property
    def whole(self) -> bool:
        """Whether every text is shown to its end."""
        return not (self.left_out_texts or self.shortened)


def transcripts(replies: pl.DataFrame, dictionary: Dictionary, files: list[str]) -> Transcripts:
    """The replies that fit, and counts of the rest. replies: the table `replies` of every split."""
    named = with_result(replies)
    cap = next((cap for cap in CAPS if _size(capped(named, cap)) <= CHARACTERS), CAPS[-1])
    kept = capped(named, cap)
    columns = [*GROUP, "rule", "finish", "replies", "raw"]
    described = dictionary["replies"] | {"result": ("String", "", "the action, or why the reply could not be read")}
    total = int(replies["replies"].sum())
    return Transcripts(
        table=to_table(kept.select(columns), described, "replies-table", "Replies by cell", "", files, GROUP),
        cap=cap,
        replies=total,
        without_text=int(replies.filter(pl.col("raw").is_null())["replies"].sum()),
        left_out=total - int(kept["replies"].sum()),
        left_out_texts=replies.height - kept.height,
        shortened=int(kept["shortened"].sum()),
    )


def unreadable_tables(replies: pl.DataFrame, dictionary: Dictionary, files: list[str]) -> list[Table]:
    """Counts by reason, then examples; no table where every reply was read. replies: the table of every split."""
    invalid = with_result(replies).filter(pl.col("action").is_null())
    if invalid.is_empty():
        return []
    described = dictionary["replies"] | {
        "result": ("String", "", "why the reply could not be read"),
        "share": ("Float64", "", "of the model's replies in the split"),
        "texts": ("Int64", "", "number of different texts"),
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
    texts = texts.sort("replies", descending=True, maintain_order=True)
    return capped(texts, UNREADABLE_CAP, keys).drop("shortened")


def with_result(replies: pl.DataFrame) -> pl.DataFrame:
    """The same with `result`: the action of a reply that was read, else why it could not be."""
    words = pl.coalesce(pl.col("action").cast(pl.String), pl.col("outcome").cast(pl.String)).str.replace_all("_", " ")
    return replies.with_columns(result=words)


def capped(replies: pl.DataFrame, cap: Cap, group: tuple[str, ...] = GROUP) -> pl.DataFrame:
    """The replies under a cap, in the same order. `shortened` says of each row whether its text goes on."""
    kept = replies.filter(pl.int_range(pl.len()).over(group) < cap.texts)
    kept = kept.with_columns(shortened=(pl.col("raw").str.len_chars() > cap.characters).fill_null(False))
    cut = pl.format("{} …", pl.col("raw").str.slice(0, cap.characters))
    return kept.with_columns(raw=pl.when("shortened").then(cut).otherwise("raw"))


def _size(replies: pl.DataFrame) -> int:
    return replies.height * MARKUP + int(replies["raw"].str.len_chars().sum() or 0)
