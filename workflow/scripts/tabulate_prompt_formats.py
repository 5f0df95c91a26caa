"""Compare the answers of one model to different prompt formats.

Writes one row for each prompt format, over all cells of its shards, as Parquet and, beside it, as CSV and LaTeX.

python workflow/scripts/tabulate_prompt_formats.py --shards S.parquet ... --confidence 0.95 --output T.parquet
"""

import argparse
from pathlib import Path

import polars as pl

from tom.core.errors import run_main
from tom.evaluation.diagnostics import diagnose
from tom.evaluation.propensities import count_replies, tabulate
from tom.reporting.tables import write_table
from tom.sampling.shards import scanned_shards


def compare(shards: pl.DataFrame | pl.LazyFrame, confidence: float) -> pl.DataFrame:
    """The table: for each prompt format the propensity over all cells, the order bias and the replies' mean length."""
    rows = []
    lengths = shards.lazy().group_by("prompt_format").agg(pl.col("reply_tokens").mean()).collect(engine="streaming")
    for prompt_format, mean_tokens in lengths.sort("prompt_format").rows():
        asked = shards.lazy().filter(prompt_format=prompt_format)
        whole = tabulate(count_replies(asked), ["both"], confidence).filter(level="split")
        row = whole.drop("level", "game", "context", "view", "pooled").with_columns(
            prompt_format=pl.lit(prompt_format),
            order_bias=diagnose(asked)["order_bias"],
            mean_reply_tokens=pl.lit(mean_tokens, pl.Float64),
        )
        rows.append(row.select("prompt_format", pl.exclude("prompt_format")))
    return pl.concat(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", nargs="+", required=True, help="of one model, in each prompt format")
    parser.add_argument("--confidence", type=float, required=True, help="of the intervals, e.g. 0.95")
    parser.add_argument("--output", type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")
    arguments = parser.parse_args()
    with scanned_shards(arguments.shards) as (shards,):
        table = compare(shards, arguments.confidence)
    write_table(table, arguments.output)


if __name__ == "__main__":
    run_main(main)
