"""Every cell's rates, one row for each model and listing order, and for the mean of both orders."""

import polars as pl

from tom.core.roles import TEACHER
from tom.evaluation.propensities import CELL
from tom.page.html_tables import Dictionary, Table, to_table

COLUMNS = ("split", *CELL, "model", "order", "exact", "rate", "low", "high", "option_mass", "observations")


def cells_table(rates: pl.DataFrame, propensities: pl.DataFrame, dictionary: Dictionary, files: list[str]) -> Table:
    """rates, propensities: the tables of every split. Columns of outcomes that no reply has are left out."""
    both = propensities.filter(pl.col("model") != TEACHER, level="cell", view="both")
    rows = pl.concat([rates, both.with_columns(order=pl.lit("both, mean"))], how="diagonal")
    counts = [name for name in rates.columns if rates[name].dtype == pl.Int64 and name != "observations"]
    seen = [name for name in counts if name in ("cooperated", "defected", "invalid") or rates[name].sum()]
    splits = pl.Enum(rates["split"].unique(maintain_order=True))
    rows = rows.sort(pl.col("split").cast(splits), *CELL, "model", "order").select(*COLUMNS, *seen)
    filters = ("split", "game", "context", "model", "order")
    return to_table(rows, dictionary["rates"], "cells-table", "Cells", "", files, filters)
