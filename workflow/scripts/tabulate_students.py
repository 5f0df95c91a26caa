"""Compare what students close of the base's gap, by their training: its target, its teacher, or its counterbalancing.

Writes one table of a split, as Parquet and, beside it, as CSV and LaTeX: rows of the alignment table for each group of
students, and their leads over other groups. The same inputs give the same bytes.

python workflow/scripts/tabulate_students.py --by target --split in_sample --untuned S.parquet ... \
    --students choices S.parquet ... --students replies S.parquet ... --students shuffled_motivation S.parquet ... \
    --reference-shards R.parquet ... --bootstrap 2000 --confidence 0.95 --margin 0.1 --seed 1 --output T.parquet
"""

import argparse

from tom.core.errors import run_main
from tom.evaluation.students_table import COMPARISONS, add_arguments, table_of
from tom.reporting.tables import write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--by", choices=COMPARISONS, required=True, help="what distinguishes the groups")
    add_arguments(parser)
    arguments = parser.parse_args()
    write_table(table_of(arguments, arguments.by), arguments.output)


if __name__ == "__main__":
    run_main(main)
