"""Tabulate what students close of the base's gap, by observations a cell and by seconds of training.

Writes one table, as Parquet and, beside it, as CSV and LaTeX: rows of the alignment table for the students of each
number of observations. The same inputs give the same bytes.

python workflow/scripts/tabulate_learning_curve.py --split in_sample --untuned S.parquet ... \
    --students 10 S.parquet ... --students all S.parquet ... --timings 10 seed1.tsv ... --timings all seed1.tsv ... \
    --gpus 0 --reference-shards R.parquet ... --bootstrap 2000 --confidence 0.95 --margin 0.1 --seed 1 \
    --output T.parquet
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.evaluation.learning_curve import learning_curve, read_timings
from tom.evaluation.students_table import add_arguments, table_of
from tom.reporting.tables import write_table
from tom.sampling.shards import scanned_shards


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument(
        "--timings", nargs="+", action="append", required=True, help="a group's name and its trainings' benchmark files"
    )
    parser.add_argument("--gpus", type=int, required=True, help="of each training")
    arguments = parser.parse_args()
    timings = read_timings({name: [Path(file) for file in files] for name, *files in arguments.timings}, arguments.gpus)
    table = table_of(arguments, "observations")
    with scanned_shards(arguments.untuned) as (untuned,):
        table = learning_curve(table, untuned, timings)
    write_table(table, arguments.output)


if __name__ == "__main__":
    run_main(main)
