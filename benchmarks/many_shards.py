"""The propensity table of all shards of a study: seconds and peak memory, streamed or read at once.

python benchmarks/many_shards.py FOLDER [--at-once]

FOLDER: a study, such as benchmarks/large_study.py makes. Run it twice to compare: a process remembers its peak.
"""

import argparse
import time
from pathlib import Path

import polars as pl
from measure import cpu_seconds, peak_gib

from tom.evaluation.propensities import available_views, count_replies, tabulate
from tom.sampling.shards import read_shards, scanned_shards

CONFIDENCE = 0.95


def propensities(shards: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """The table that evaluate_split.py makes of shards."""
    counts = count_replies(shards)
    return tabulate(counts, available_views(counts), CONFIDENCE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of a study")
    parser.add_argument("--at-once", action="store_true", help="all observations in memory")
    arguments = parser.parse_args()
    files = sorted(arguments.folder.glob("results/shards/**/*.parquet"))
    cpu, wall = cpu_seconds(), time.perf_counter()
    if arguments.at_once:
        table = propensities(read_shards(files))
    else:
        with scanned_shards(files) as (shards,):
            table = propensities(shards)
    seconds = time.perf_counter() - wall, cpu_seconds() - cpu
    observations = table.filter(level="split", view="fixed")["observations"].sum()
    print(f"{len(files)} shards, {table.height} rows, {observations} observations in the paper's order")
    print("{:.1f} s, {:.1f} CPU-s, {:.2f} GiB".format(*seconds, peak_gib()))


if __name__ == "__main__":
    main()
