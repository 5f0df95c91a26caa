"""Tabulate how far students play games that they were not taught, by the number of games that they were taught.

Writes Parquet and, beside it, CSV and LaTeX, and prints what the table shows. The same inputs give the same bytes.

python workflow/scripts/tabulate_breadth.py --split unseen_games --teacher S.parquet ... --base S.parquet ... \
    --students 16 S.parquet ... --students 256 S.parquet ... --taught S.parquet ... --game-files drawn.yaml \
    --labels-files letters.yaml unfamiliar.yaml --bootstrap 2000 --confidence 0.95 --margin 0.1 --seed 1 \
    --output T.parquet
"""

import argparse
from pathlib import Path

import polars as pl

from tom.core.errors import run_main
from tom.evaluation.breadth import breadth_table
from tom.games.game import load_games
from tom.prompts.variants import load_labels
from tom.reporting.breadth_findings import breadth_lines
from tom.reporting.tables import write_table
from tom.sampling.shards import read_shards
from tom.statistics.resampling import Uncertainty


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", required=True)
    parser.add_argument("--teacher", nargs="+", required=True, help="its shards in the split")
    parser.add_argument("--base", nargs="+", required=True, help="the base's, with all labels")
    parser.add_argument(
        "--students", nargs="+", action="append", required=True,
        help="a number of games taught, and shards of the students of all seeds with all labels; again for each",
    )  # fmt: skip
    parser.add_argument("--taught", nargs="+", required=True, help="the teacher's in-sample shards, in their order")
    parser.add_argument("--game-files", type=Path, nargs="+", required=True)
    parser.add_argument("--labels-files", type=Path, nargs="+", required=True)
    parser.add_argument("--output", type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")
    Uncertainty.add_arguments(parser)
    arguments = parser.parse_args()
    teacher, base, taught = map(read_shards, (arguments.teacher, arguments.base, arguments.taught))
    students = {int(number): read_shards(files) for number, *files in arguments.students}
    names = pl.concat([teacher["game"], taught["game"]]).unique().sort().to_list()
    games = dict(zip(names, load_games(arguments.game_files, names), strict=True))
    labels = {file.stem: load_labels(file) for file in arguments.labels_files}
    uncertainty = Uncertainty.from_arguments(arguments)
    table = breadth_table(teacher, base, students, taught, games, labels, arguments.split, uncertainty)
    write_table(table, arguments.output)
    print("\n".join(breadth_lines(table)))


if __name__ == "__main__":
    run_main(main)
