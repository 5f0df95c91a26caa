"""Compare what one model answers when it is asked in different ways.

Writes one row for each elicitation, over all cells of its shards, as Parquet and, beside it, as CSV and LaTeX.

python workflow/scripts/tabulate_elicitations.py --shards S.parquet ... --confidence 0.95 --output T.parquet
"""

import argparse
from pathlib import Path

import polars as pl

from tom.errors import run_main
from tom.measuring.diagnostics import diagnose
from tom.measuring.propensities import count_replies, tabulate
from tom.shards import scanned_shards
from tom.showing.tables import write_table


def compare(shards: pl.DataFrame | pl.LazyFrame, confidence: float) -> pl.DataFrame:
    """The split's row of the propensities table for each elicitation, with its order bias and length of replies."""
    rows = []
    lengths = shards.lazy().group_by("elicitation").agg(pl.col("reply_tokens").mean()).collect(engine="streaming")
    for elicitation, mean_tokens in lengths.sort("elicitation").rows():
        asked = shards.lazy().filter(elicitation=elicitation)
        whole = tabulate(count_replies(asked), ["both"], confidence).filter(level="split")
        row = whole.drop("level", "game", "context", "view").with_columns(
            elicitation=pl.lit(elicitation),
            order_bias=diagnose(asked)["order_bias"],
            mean_reply_tokens=pl.lit(mean_tokens, pl.Float64),
        )
        rows.append(row.select("elicitation", pl.exclude("elicitation")))
    return pl.concat(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", nargs="+", required=True, help="of one model, in every elicitation")
    parser.add_argument("--confidence", type=float, required=True, help="of the intervals, e.g. 0.95")
    parser.add_argument("--output", type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")
    arguments = parser.parse_args()
    with scanned_shards(arguments.shards) as (shards,):
        table = compare(shards, arguments.confidence)
    write_table(table, arguments.output)


if __name__ == "__main__":
    run_main(main)
