"""Tabulate what the payoffs of each game imply, and how often teacher and students cooperate in it.

python workflow/scripts/tabulate_games.py --game-files resources/games/stag_hunt.yaml ... \
    --propensities P.parquet ... --output G.parquet
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.evaluation.game_table import game_table
from tom.games.game import load_games
from tom.reporting.tables import read_table, write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--game-files", type=Path, nargs="+", required=True)
    parser.add_argument("--propensities", nargs="+", required=True, help="tables of every split")
    parser.add_argument("--output", type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")
    arguments = parser.parse_args()
    propensities = read_table(*arguments.propensities)
    names = propensities["game"].drop_nulls().unique().sort()
    write_table(game_table(load_games(arguments.game_files, names), propensities), arguments.output)


if __name__ == "__main__":
    run_main(main)
