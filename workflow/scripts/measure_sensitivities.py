"""Measure what moves each model's choice: game, context and the size of the payoffs.

Writes three tables over all splits, from sampled counts: sensitivities (effects, shares of variance, slopes on the
teacher), reactions (each cell, original against scaled payoffs) and joint_choice_model (is a student's sensitivity
another than its teacher's?).

python workflow/scripts/measure_sensitivities.py --propensities P.parquet ... --bootstrap 2000 --confidence 0.95 \
    --margin 0.1 --seed 1 --sensitivities S.parquet --reactions R.parquet --joint-choice-model J.parquet
"""

import argparse
from pathlib import Path

import polars as pl

from tom.core.errors import run_main
from tom.evaluation.sensitivity_table import TABLES, counts_of, sensitivity_tables
from tom.reporting.tables import read_table, write_table
from tom.statistics.uncertainty import Uncertainty


def measure(propensities: pl.DataFrame, uncertainty: Uncertainty) -> dict[str, pl.DataFrame]:
    """The tables by name, from propensities of every split."""
    views = propensities["view"].unique().sort()
    return sensitivity_tables({view: counts_of(propensities, view) for view in views}, uncertainty)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--propensities", nargs="+", required=True, help="tables of every split")
    Uncertainty.add_arguments(parser)
    for name in TABLES:
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=Path, required=True, help="Parquet; CSV and LaTeX go beside it"
        )
    arguments = parser.parse_args()
    tables = measure(read_table(*arguments.propensities), Uncertainty.from_arguments(arguments))
    for name, table in tables.items():
        write_table(table, getattr(arguments, name))


if __name__ == "__main__":
    run_main(main)
