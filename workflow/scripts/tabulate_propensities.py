"""Tabulate how often each model cooperates in a split in which no teacher answers.

python workflow/scripts/tabulate_propensities.py --split payoff_scales --shards S.parquet ... --confidence 0.95 \
    --output P.parquet
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.evaluation.propensities import available_views, count_replies, tabulate
from tom.evaluation.split_tables import with_split
from tom.reporting.tables import write_table
from tom.sampling.shards import scanned_shards


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", required=True)
    parser.add_argument("--shards", nargs="+", required=True, help="base and tuned shards of the split")
    parser.add_argument("--confidence", type=float, required=True)
    parser.add_argument("--output", type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")
    arguments = parser.parse_args()
    with scanned_shards(arguments.shards) as (shards,):
        counts = count_replies(shards)
    table = tabulate(counts, available_views(counts), arguments.confidence)
    write_table(with_split(table, arguments.split), arguments.output)


if __name__ == "__main__":
    run_main(main)
