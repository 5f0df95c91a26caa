"""Replies as the page shows them: grouped by text, and as many as keep the file small."""

from dataclasses import dataclass

import polars as pl

from tom.page.html_tables import Dictionary, Table, to_table

CHARACTERS = 1_500_000
"""Of all replies that the page may hold, a row's own markup included."""
MARKUP = 200
"""What a row costs besides its text."""
GROUP = ("split", "model", "game", "context", "order", "result")


@dataclass(frozen=True)
class Cap:
    """How much is shown: different texts for each group of replies, the first of them, and characters of each text."""

    texts: int
    characters: int


CAPS = (Cap(50, 4000), Cap(20, 2000), Cap(10, 1500), Cap(5, 1000), Cap(2, 500), Cap(1, 300))
"""From generous to mean; the first that fits is taken, and the last whether it fits or not."""


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
    """Choose and count. replies: the table `replies` of every split."""
    named = with_result(replies)
    cap = next((cap for cap in CAPS if _size(capped(named, cap)) <= CHARACTERS), CAPS[-1])
    kept = capped(named, cap)
    columns = [*GROUP, "rule", "finish", "replies", "raw"]
    described = dictionary["replies"] | {"result": ("String", "", "the action, or why the reply could not be read")}
    total = int(replies["replies"].sum())
    return Transcripts(
        table=to_table(kept.select(columns), described, "replies-table", "Replies", "", files, GROUP),
        cap=cap,
        replies=total,
        without_text=int(replies.filter(pl.col("raw").is_null())["replies"].sum()),
        left_out=total - int(kept["replies"].sum()),
        left_out_texts=replies.height - kept.height,
        shortened=int(kept["shortened"].sum()),
    )


def with_result(replies: pl.DataFrame) -> pl.DataFrame:
    """The same with `result`: the action of a reply that was read, else what became of it."""
    words = pl.coalesce(pl.col("action").cast(pl.String), pl.col("outcome").cast(pl.String)).str.replace_all("_", " ")
    return replies.with_columns(result=words)


def capped(replies: pl.DataFrame, cap: Cap, group: tuple[str, ...] = GROUP) -> pl.DataFrame:
    """What is left under a cap, in the same order; `shortened` says of each row whether its text goes on."""
    kept = replies.filter(pl.int_range(pl.len()).over(group) < cap.texts)
    kept = kept.with_columns(shortened=(pl.col("raw").str.len_chars() > cap.characters).fill_null(False))
    cut = pl.format("{} …", pl.col("raw").str.slice(0, cap.characters))
    return kept.with_columns(raw=pl.when("shortened").then(cut).otherwise("raw"))


def _size(replies: pl.DataFrame) -> int:
    return replies.height * MARKUP + int(replies["raw"].str.len_chars().sum() or 0)
