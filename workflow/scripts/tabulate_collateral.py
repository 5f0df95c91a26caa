"""Compare the probes of tuned students with those of the base; writes Parquet and, beside it, CSV and LaTeX.

python workflow/scripts/tabulate_collateral.py --probes P.parquet ... --confidence 0.95 --output T.parquet
"""

import argparse
from pathlib import Path

import polars as pl

from tom.core.errors import run_main
from tom.evaluation.collateral import collateral
from tom.reporting.tables import read_table, write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--probes", type=Path, nargs="+", required=True, help="the base's and every student's")
    parser.add_argument("--confidence", type=float, required=True, help="of the intervals, e.g. 0.95")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    found = collateral(read_table(*arguments.probes), arguments.confidence)
    write_table(found, arguments.output)
    with pl.Config(
        tbl_rows=-1, tbl_cols=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, tbl_width_chars=140
    ):
        print(found.drop("confidence"))


if __name__ == "__main__":
    run_main(main)
