"""Tables of cells: every model's rates, and the paper's beside this run's."""

from pathlib import Path

import polars as pl

from tom.core.frames import roles_of
from tom.core.roles import BASE, TEACHER
from tom.evaluation.propensities import CELL
from tom.page.html_tables import Dictionary, Table, to_table
from tom.paper.published_choices import SPLITS, published_propensities

COLUMNS = ("split", *CELL, "model", "order", "exact", "rate", "low", "high", "option_mass", "observations")
MEANINGS = {
    f"{whose}{name}": ("", "", f"share of replies of {owner} {who} that cooperate")
    for whose, owner in (("paper_", "the paper's"), ("", "this run's"))
    for name, who in ((TEACHER, "teacher"), (BASE, "base student"), ("tuned", "tuned student, mean over seeds"))
}


def cells_table(rates: pl.DataFrame, propensities: pl.DataFrame, dictionary: Dictionary, files: list[str]) -> Table:
    """A row for each cell, model and option order, and for the mean of both orders of a model that was asked in both.

    rates, propensities: the tables of every split. Counts that are 0 throughout, such as refusals, have no column.
    """
    both = propensities.filter(level="cell", view="both", pooled=False)
    rows = pl.concat([rates, both.with_columns(order=pl.lit("both, mean"))], how="diagonal")
    counts = [name for name in rates.columns if rates[name].dtype == pl.Int64 and name != "observations"]
    seen = [name for name in counts if name in ("cooperated", "defected", "invalid") or rates[name].sum()]
    splits = pl.Enum(rates["split"].unique(maintain_order=True))
    rows = rows.sort(pl.col("split").cast(splits), *CELL, "model", "order").select(*COLUMNS, *seen)
    filters = ("split", "game", "context", "model", "order")
    return to_table(rows, dictionary["rates"], "cells-table", "Every cell", "", files, filters)


def paper_table(propensities: pl.DataFrame, published: Path, confidence: float) -> Table | None:
    """A row for each cell in which both the paper and this run asked, in the paper's option order; None without one."""
    ours = propensities.filter(level="cell", view="fixed")
    parts = [
        _rates(published_propensities(published, split, confidence).filter(level="cell"), "paper_")
        for split in ours["split"].unique(maintain_order=True)
        if split in SPLITS
    ]
    if not parts:
        return None
    both = pl.concat(parts).join(_rates(ours), on=["split", *CELL], how="inner", maintain_order="left")
    columns = [f"{whose}{name}" for name in (TEACHER, BASE, "tuned") for whose in ("paper_", "")]
    both = both.select("split", *CELL, *columns)
    files = [str(published)]
    return to_table(both, MEANINGS, "paper-table", "Cell by cell", "", files, ("split", *CELL)) if both.height else None


def _rates(cells: pl.DataFrame, prefix: str = "") -> pl.DataFrame:
    """A row for each cell, a column for each role."""
    roles = cells.with_columns(role=roles_of())
    means = roles.group_by("split", *CELL, "role", maintain_order=True).agg(pl.col("rate").mean())
    wide = means.pivot("role", index=["split", *CELL], values="rate", maintain_order=True)
    return wide.rename({name: f"{prefix}{name}" for name in (TEACHER, BASE, "tuned")})
