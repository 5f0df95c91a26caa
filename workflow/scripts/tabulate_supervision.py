"""Compare what students learnt that were taught choices, whole replies, or other cells' motivations.

Writes one table of a split, as Parquet and, beside it, as CSV and LaTeX: for each supervision what its students
close of the base's gap, and by how much they lead those of the others. The same inputs give the same bytes.

python workflow/scripts/tabulate_supervision.py --split in_sample --untuned S.parquet ... --choices S.parquet ... \
    --replies S.parquet ... --other-motivations S.parquet ... --reference-shards R.parquet ... \
    --bootstrap 2000 --confidence 0.95 --margin 0.1 --seed 1 --output T.parquet
"""

import argparse
from pathlib import Path

from tom.errors import run_main
from tom.measuring.supervision_table import supervision_table
from tom.shards import read_shards
from tom.showing.tables import write_table
from tom.statistics.precision import Precision
from tom.teaching.recipe import SUPERVISIONS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", required=True)
    parser.add_argument("--untuned", nargs="+", required=True, help="teacher and base shards of the split")
    for supervision in SUPERVISIONS:
        flag = f"--{supervision.replace('_', '-')}"
        parser.add_argument(flag, nargs="+", required=True, help="shards of the students taught so")
    parser.add_argument("--reference-shards", nargs="+", required=True, help="teacher and base shards of in_sample")
    parser.add_argument("--output", type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")
    Precision.add_arguments(parser)
    arguments = parser.parse_args()

    table = supervision_table(
        read_shards(arguments.untuned),
        {supervision: read_shards(getattr(arguments, supervision)) for supervision in SUPERVISIONS},
        read_shards(arguments.reference_shards),
        arguments.split,
        Precision.from_arguments(arguments),
    )
    write_table(table, arguments.output)


if __name__ == "__main__":
    run_main(main)
