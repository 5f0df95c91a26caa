"""Measure what moves each model's choice: game, context or the scale of the payoffs.

Writes three tables over all splits, from sampled counts: sensitivities (effects, shares of variance, slopes on the
teacher), reactions (each cell at its original and at scaled payoffs) and joint_choice_model (does a student's
sensitivity differ from its teacher's?). Each is Parquet and, beside it, CSV and LaTeX.

python workflow/scripts/measure_sensitivities.py --propensities P.parquet ... --bootstrap 2000 --confidence 0.95 \
    --margin 0.1 --seed 1 --sensitivities S.parquet --reactions R.parquet --joint-choice-model J.parquet
"""

import argparse

import polars as pl

from tom.core.errors import run_main
from tom.core.table_columns import tables_made_by
from tom.evaluation.sensitivity_table import counts_of, sensitivity_tables
from tom.reporting.tables import add_table_flags, read_table, write_tables
from tom.statistics.resampling import Uncertainty


def measure(propensities: pl.DataFrame, uncertainty: Uncertainty) -> dict[str, pl.DataFrame]:
    """Table → its rows, from the propensities of all splits."""
    views = propensities["view"].unique().sort()
    return sensitivity_tables({view: counts_of(propensities, view) for view in views}, uncertainty)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--propensities", nargs="+", required=True, help="tables of every split")
    Uncertainty.add_arguments(parser)
    add_table_flags(parser, tables_made_by("measure_sensitivities"))
    arguments = parser.parse_args()
    write_tables(measure(read_table(*arguments.propensities), Uncertainty.from_arguments(arguments)), arguments)


if __name__ == "__main__":
    run_main(main)
