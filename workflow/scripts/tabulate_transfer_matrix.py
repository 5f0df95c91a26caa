"""Tabulate the gap that students close on each context and game, by what was left out of their training.

Writes Parquet and, beside it, CSV and LaTeX. The same inputs give the same bytes.

python workflow/scripts/tabulate_transfer_matrix.py --untuned S.parquet ... --students nothing S.parquet ... \
    --students context-business S.parquet ... --bootstrap 2000 --confidence 0.95 --margin 0.1 --seed 1 \
    --output T.parquet
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.evaluation.transfer_matrix import transfer_matrix
from tom.reporting.tables import write_table
from tom.sampling.shards import scanned_shards
from tom.statistics.resampling import Uncertainty


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--untuned", nargs="+", required=True, help="teacher and base shards of the cells")
    parser.add_argument(
        "--students", nargs="+", action="append", required=True, help="what was left out, and shards; again for each"
    )
    parser.add_argument("--output", type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")
    Uncertainty.add_arguments(parser)
    arguments = parser.parse_args()
    names, files = zip(*((name, files) for name, *files in arguments.students), strict=True)
    with scanned_shards(arguments.untuned, *files) as (untuned, *tuned):
        students = dict(zip(names, tuned, strict=True))
        table = transfer_matrix(untuned, students, Uncertainty.from_arguments(arguments))
    write_table(table, arguments.output)


if __name__ == "__main__":
    run_main(main)
