"""The paper's cells and ours side by side, in the paper's listing order."""

from pathlib import Path

import polars as pl

from tom.core.roles import BASE, TEACHER, role
from tom.evaluation.propensities import CELL
from tom.page.html_tables import Table, to_table
from tom.paper.published_choices import SPLITS, published_propensities

MEANINGS = {
    f"{whose}{name}": ("", "", f"share of replies of {owner} {who} that cooperate")
    for whose, owner in (("paper_", "the paper's"), ("", "this run's"))
    for name, who in ((TEACHER, "teacher"), (BASE, "untuned student"), ("tuned", "tuned student, mean over seeds"))
}


def paper_table(propensities: pl.DataFrame, published: Path, confidence: float) -> Table | None:
    """A row for each cell that both the paper and this run asked; None without one."""
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
    return to_table(both, MEANINGS, "paper-table", "Cells", "", files, ("split", *CELL)) if both.height else None


def _rates(cells: pl.DataFrame, prefix: str = "") -> pl.DataFrame:
    """One row a cell, one column for each role."""
    roles = cells.with_columns(role=pl.col("model").map_elements(role, return_dtype=pl.String))
    means = roles.group_by("split", *CELL, "role", maintain_order=True).agg(pl.col("rate").mean())
    wide = means.pivot("role", index=["split", *CELL], values="rate", maintain_order=True)
    return wide.rename({name: f"{prefix}{name}" for name in (TEACHER, BASE, "tuned")})
