"""Tabulate how models answer when the options have other names; writes Parquet and, beside it, CSV and LaTeX.

python workflow/scripts/tabulate_labels.py --scores S.parquet ... --teacher-shards T.parquet ... --bootstrap 2000 \
    --confidence 0.95 --margin 0.1 --seed 1 --output T.parquet
"""

import argparse
from pathlib import Path

import polars as pl

from tom.core.errors import run_main
from tom.evaluation.label_bias import label_bias
from tom.reporting.tables import read_table, write_table
from tom.sampling.shards import scanned_shards
from tom.statistics.resampling import Uncertainty


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scores", type=Path, nargs="+", required=True, help="the base's and every student's")
    parser.add_argument("--teacher-shards", nargs="+", required=True)
    Uncertainty.add_arguments(parser)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    with scanned_shards(arguments.teacher_shards) as (teacher,):
        found = label_bias(read_table(*arguments.scores), teacher, Uncertainty.from_arguments(arguments))
    write_table(found, arguments.output)
    with pl.Config(
        tbl_rows=-1, tbl_cols=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, tbl_width_chars=180
    ):
        print(found.drop("confidence"))


if __name__ == "__main__":
    run_main(main)
