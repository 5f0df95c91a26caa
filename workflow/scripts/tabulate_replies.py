"""Tabulate a split's shards by listing order: rates, and the distinct replies.

python workflow/scripts/tabulate_replies.py --split in_sample --shards S.parquet ... --confidence 0.95 \
    --rates R.parquet --replies T.parquet
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.core.files import atomic_file, log_written
from tom.evaluation.rates import group_replies, order_rates
from tom.evaluation.split_tables import with_split
from tom.reporting.tables import write_table
from tom.sampling.shards import scanned_shards


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", required=True)
    parser.add_argument("--shards", nargs="+", required=True, help="of every model in the split")
    parser.add_argument("--confidence", type=float, required=True, help="of the intervals, e.g. 0.95")
    parser.add_argument("--rates", type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")
    parser.add_argument("--replies", type=Path, required=True, help="Parquet")
    arguments = parser.parse_args()

    with scanned_shards(arguments.shards) as (shards,):
        rates, replies = order_rates(shards, arguments.confidence), group_replies(shards)
    write_table(with_split(rates, arguments.split), arguments.rates)
    # Thousands of texts are no table for a paper, so this one is Parquet alone.
    replies = with_split(replies, arguments.split)
    with atomic_file(arguments.replies) as temporary:
        replies.write_parquet(temporary, compression="zstd", statistics=False)
    log_written(arguments.replies, f"{replies.height} rows")


if __name__ == "__main__":
    run_main(main)
