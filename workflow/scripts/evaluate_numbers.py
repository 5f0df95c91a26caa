"""Evaluate the numbers that the students of one split name against their teacher's, if it was asked.

Writes three tables, each as Parquet and, beside it, as CSV and LaTeX: number_means (every model in every cell),
number_distributions (how often each number) and number_gaps (distances from the teacher and what is closed
of them, beside what needs no student and the paper's own). The same inputs give the same bytes.

python workflow/scripts/evaluate_numbers.py --split public_goods --shards S.parquet ... \
    --game-files resources/games/public_goods.yaml --published resources/paper/observed_contributions.csv \
    --bootstrap 2000 --confidence 0.95 --margin 0.1 --seed 1 --number-means M.parquet \
    --number-distributions D.parquet --number-gaps G.parquet
"""

import argparse
from pathlib import Path

import polars as pl

from tom.core.errors import UserError, run_main
from tom.core.roles import BASE, TEACHER, tuned_models
from tom.evaluation.number_counts import count_numbers, distribution_table, mean_table
from tom.evaluation.number_gaps import gap_table
from tom.games.game import split_order
from tom.games.number_game_files import load_number_game
from tom.paper.published_contributions import published_contributions, published_gaps
from tom.reporting.tables import write_table
from tom.sampling.shards import NUMBER_COLUMNS, read_shards
from tom.statistics.uncertainty import Uncertainty

TABLES = ("number_means", "number_distributions", "number_gaps")


def evaluate(
    shards: pl.DataFrame, choices: dict[str, range], published: Path, split: str, uncertainty: Uncertainty
) -> dict[str, pl.DataFrame]:
    """The TABLES of a split, by name; without a teacher's shards there are no gaps.

    Errors: UserError names what the shards lack.
    """
    tuned_models({*shards["model"], TEACHER})
    counted = count_numbers(shards, choices)
    cells = list(counted[BASE])
    for model, found in counted.items():
        if differing := sorted(set(found) ^ set(cells)):
            game, context = differing[0]
            raise UserError(f"shards: {game} in {context} is not of both {model} and {BASE}")
    gaps = gap_table(counted, uncertainty, split)
    paper = published_contributions(published, cells, choices)
    if gaps.height and len(paper[TEACHER]) == len(cells):
        gaps = pl.concat([gaps, published_gaps(paper, uncertainty, split)])
    return {
        "number_means": mean_table(counted, split, uncertainty.confidence),
        "number_distributions": distribution_table(counted, split),
        "number_gaps": gaps,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", required=True)
    parser.add_argument("--shards", nargs="+", required=True, help="teacher, base and tuned shards of the split")
    parser.add_argument("--game-files", type=Path, nargs="+", required=True)
    parser.add_argument("--published", type=Path, required=True, help="the paper's contributions, CSV")
    Uncertainty.add_arguments(parser)
    for name in TABLES:
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")
    arguments = parser.parse_args()

    shards = read_shards(arguments.shards, NUMBER_COLUMNS)
    files = {file.stem: file for file in arguments.game_files}
    choices = {game: load_number_game(files[split_order(game)[0]], game).choices() for game in shards["game"].unique()}
    uncertainty = Uncertainty.from_arguments(arguments)
    for name, table in evaluate(shards, choices, arguments.published, arguments.split, uncertainty).items():
        write_table(table, getattr(arguments, name))


if __name__ == "__main__":
    run_main(main)
