"""The result of a run: the rows that it is judged by, and what they say in a sentence."""

import polars as pl

from tom.config.study import IN_SAMPLE
from tom.evaluation.propensities import headline_view
from tom.reporting.wording import beats_all, listed, percent, readable

ASKED = {
    "both": "asked in both listing orders",
    "fixed": "asked in the paper's listing order",
    "swapped": "asked with cooperation listed last",
}


def headline_measure(alignment: pl.DataFrame) -> pl.DataFrame:
    """The rows of the measure that a run is judged by: `exact` where all splits have it, else `sampled`."""
    exact = alignment.filter(measure="exact")
    return exact if exact["split"].n_unique() == alignment["split"].n_unique() else alignment.filter(measure="sampled")


def headline(alignment: pl.DataFrame, student: str, teacher: str) -> str:
    """What share of its gap the tuned student closes in each split, and where that is more than a baseline does."""
    shown = headline_measure(alignment)
    view = headline_view(shown["view"].unique().to_list())
    rows = shown.filter(view=view, predictor="tuned").to_dicts()
    first, *others = (_closed(row) for row in rows)
    shares = [f"{first} of the gap between them", *others]
    closed = listed([f"{share} {_where(row['split'])}" for share, row in zip(shares, rows, strict=True)])
    gained = [_where(row["split"]) for row in rows if row["gap_closed"] is not None and beats_all(row)]
    where = "everywhere" if len(gained) == len(rows) else f"only {listed(gained)}" if gained else "nowhere"
    farther = " Below 0 % it is farther from its teacher than before." if any(map(_lost, rows)) else ""
    return (
        f"WeightedReply the choices of {teacher} and {ASKED[view]}, {student} closes {closed}; "
        f"{where} is that more than every simple baseline closes.{farther}"
    )


def _closed(row: dict) -> str:
    if row["gap_closed"] is None:
        return "nothing (there is no gap)"
    share, low, high = (percent(row[name]).replace("-", "−") for name in ("gap_closed", "low", "high"))
    return f"{share} % ({low} to {high})"


def _lost(row: dict) -> bool:
    return row["gap_closed"] is not None and row["gap_closed"] < 0


def _where(split: str) -> str:
    return "in the cells that were taught" if split == IN_SAMPLE else f"in “{readable(split)}”"
