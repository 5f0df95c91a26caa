"""Compare what students close of the base's gap, by how they were trained.

Writes one table of a split, as Parquet and, beside it, as CSV and LaTeX: rows of the alignment table for each group of
students, and their leads over other groups; with --timings also the seconds that training took. The same inputs give
the same bytes. tom/config/studies.py registers the comparisons.

python workflow/scripts/tabulate_students.py --by target --split in_sample --untuned S.parquet ... \
    --students label S.parquet ... --students full_reply S.parquet ... --lead label label \
    --reference-shards R.parquet ... --bootstrap 2000 --confidence 0.95 --margin 0.1 --seed 1 --output T.parquet
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
        "--timings", nargs="+", action="append", default=[],
        help="a group's name and the benchmark files of its trainings, for a table by `observations`; again for each",
    )  # fmt: skip
    parser.add_argument("--gpus", type=int, default=0, help="of each of these trainings")
    arguments = parser.parse_args()
    table = table_of(arguments)
    if arguments.timings:
        files = {name: list(map(Path, files)) for name, *files in arguments.timings}
        timings = read_timings(files, arguments.gpus)
        with scanned_shards(arguments.untuned) as (untuned,):
            table = learning_curve(table, untuned, timings)
    write_table(table, arguments.output)


if __name__ == "__main__":
    run_main(main)
