"""Measure how far exact propensities move when a tuned student runs at a precision other than that of its training.

Writes one row for each precision and student, as Parquet and, beside it, as CSV and LaTeX.

python workflow/scripts/precision_drift.py --trained S.parquet ... --bfloat16 S.parquet ... --merged S.parquet ... \
    --output T.parquet
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from tom.core.errors import UserError, run_main
from tom.evaluation.propensities import CELL
from tom.prompts.variants import LABELS
from tom.reporting.tables import write_table
from tom.sampling.shards import scanned_shards

Shards = pl.DataFrame | pl.LazyFrame
PRECISIONS = ("bfloat16", "merged")
"""bfloat16: the unquantised base in bfloat16 with the adapter. merged: the adapter merged into the dequantised base."""


def drift(trained: Shards, others: Mapping[str, Shards]) -> pl.DataFrame:
    """The table: mean and largest |difference| of exact propensities from those at the precision of the training.

    trained: shards of the tuned students as trained; others: precision → shards of the same students and cells.
    Differences are over cells and listing orders, with the letters that observations are asked with.
    Errors: UserError if a cell lacks exact propensities at one of the precisions.
    """
    keys = ["model", *CELL, "order"]
    expected = _scores(trained)
    tables = []
    for precision, shards in others.items():
        both = expected.join(_scores(shards), on=keys, how="full", coalesce=True, suffix="_other")
        if both.is_empty() or both.null_count().sum_horizontal().item():
            raise UserError(f"shards: not every cell has exact propensities both as trained and at {precision}")
        difference = (pl.col("p_cooperate") - pl.col("p_cooperate_other")).abs()
        table = both.group_by("model").agg(
            cells=pl.struct(CELL).n_unique(),
            propensities=pl.len(),
            mean_difference=difference.mean(),
            max_difference=difference.max(),
        )
        tables.append(table.select(pl.lit(precision).alias("precision"), pl.all()))
    return pl.concat(tables).sort("precision", "model")


def _scores(shards: Shards) -> pl.DataFrame:
    scored = shards.lazy().filter((pl.col("record") == "score") & (pl.col("cooperation_label") == LABELS[0]))
    keys = ["model", *CELL, "order"]
    # Sorted, since the last digit of a mean depends on the order.
    return scored.select(*keys, "p_cooperate").collect(engine="streaming").sort(keys)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trained", nargs="+", required=True, help="shards of the tuned students as trained")
    for precision in PRECISIONS:
        parser.add_argument(f"--{precision}", nargs="+", required=True, help="their shards at another precision")
    parser.add_argument("--output", type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")
    arguments = parser.parse_args()
    files = [getattr(arguments, precision) for precision in PRECISIONS]
    with scanned_shards(arguments.trained, *files) as (trained, *others):
        table = drift(trained, dict(zip(PRECISIONS, others, strict=True)))
    write_table(table, arguments.output)


if __name__ == "__main__":
    run_main(main)
