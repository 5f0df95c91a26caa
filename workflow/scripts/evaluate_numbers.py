"""Compare the numbers that the students of one split name with their teacher's, if it was asked.

Writes these tables, each as Parquet and, beside it, as CSV and LaTeX: number_means (each model in each cell),
number_distributions (how often each number was named) and number_gaps (distances from the teacher, how much of them is
closed, and the same for predictors that need no student and for the paper's student). The same inputs give the same
bytes.

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
from tom.core.table_columns import tables_made_by
from tom.evaluation.number_counts import count_numbers, distribution_table, mean_table
from tom.evaluation.number_gaps import gap_table
from tom.games.kinds import load_number_game
from tom.games.names import file_stem
from tom.paper.published_contributions import published_contributions, published_gaps
from tom.reporting.tables import add_table_flags, write_tables
from tom.sampling.shards import NUMBER_COLUMNS, read_shards
from tom.statistics.resampling import Uncertainty

TABLES = tables_made_by("evaluate_numbers")


def evaluate(
    shards: pl.DataFrame, choices: dict[str, range], published: Path, split: str, uncertainty: Uncertainty
) -> dict[str, pl.DataFrame]:
    """Table → its rows for a split; number_gaps has none without a teacher's shards.

    choices: game → the numbers that may be named. published: the paper's contributions, CSV.
    Errors: UserError names what the shards lack.
    """
    tuned_models({*shards["model"], TEACHER})
    counted = count_numbers(shards, choices)
    cells = list(counted[BASE])
    for model, found in counted.items():
        if differing := sorted(set(found) ^ set(cells)):
            game, context = differing[0]
            raise UserError(f"shards: {game} in {context} has shards of only one of {model} and {BASE}")
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
    add_table_flags(parser, TABLES)
    arguments = parser.parse_args()

    shards = read_shards(arguments.shards, NUMBER_COLUMNS)
    files = {file.stem: file for file in arguments.game_files}
    choices = {game: load_number_game(files[file_stem(game)], game).choices() for game in shards["game"].unique()}
    uncertainty = Uncertainty.from_arguments(arguments)
    write_tables(evaluate(shards, choices, arguments.published, arguments.split, uncertainty), arguments)


if __name__ == "__main__":
    run_main(main)
