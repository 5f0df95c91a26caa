"""Evaluation tables of a small run, for tests of what is made from them."""

from pathlib import Path

import polars as pl
from evaluate_split import evaluate
from made_shards import shard_frame, small_run
from measure_sensitivities import measure

from tom.paper.published_choices import read_published_split
from tom.statistics.resampling import Uncertainty

PRECISION = Uncertainty(200, 0.95, 1, 0.1)
SPLITS = ("in_sample", "doubled_payoffs", "out_of_sample_contexts")


def made_tables(resources: Path) -> dict[str, pl.DataFrame]:
    """The tables of three splits, each of the same small run, as one table each."""
    shards = shard_frame([row for cells in small_run().values() for rows in cells.values() for row in rows])
    reference = shards.filter(pl.col("model").is_in(["teacher", "base"]))
    published = resources / "paper" / "observed_choices.csv"
    by_split = [
        evaluate(shards, reference, read_published_split(published, split), split, PRECISION) for split in SPLITS
    ]
    tables = {name: pl.concat([tables[name] for tables in by_split]) for name in by_split[0]}
    return tables | measure(tables["propensities"], PRECISION)
