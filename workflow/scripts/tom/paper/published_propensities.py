"""The paper's own teacher, base and tuned student as a table of propensities, for figures beside ours."""

from pathlib import Path

import polars as pl

from tom.asking.variants import PAPER_VARIANT
from tom.measuring.judging import with_split
from tom.measuring.propensities import tabulate
from tom.paper.published import read_published_cells
from tom.reading.outcomes import UNREADABLE


def published_propensities(file: str | Path, split: str, confidence: float) -> pl.DataFrame:
    """The table of tabulate, in the paper's order; models teacher, base and tuned. split: one of SPLITS."""
    cells, models = read_published_cells(file, split)
    rows = [
        {"model": model, "game": game, "context": context, "order": PAPER_VARIANT.order}
        | {"observations": readable, "cooperated": cooperated, "defected": readable - cooperated, "invalid": 0}
        | dict.fromkeys(UNREADABLE, 0)
        for model, counts in models.items()
        for (game, context), cooperated, readable in zip(
            cells, counts.cooperated[:, 0].tolist(), counts.readable[:, 0].tolist(), strict=True
        )
    ]
    unscored = pl.lit(None, pl.Float64)
    counts = pl.DataFrame(rows).with_columns(exact=unscored, option_mass=unscored)
    return with_split(tabulate(counts, ["fixed"], confidence), split)
