"""Tabulate what the payoffs of each game in which a number is named imply, and the numbers that were named.

python workflow/scripts/tabulate_number_games.py --game-files resources/games/trust_sending.yaml ... \
    --number-means M.parquet ... --output G.parquet
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.evaluation.number_game_table import number_game_table
from tom.games.kinds import load_number_game
from tom.games.names import file_stem
from tom.reporting.tables import read_table, write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--game-files", type=Path, nargs="+", required=True)
    parser.add_argument("--number-means", nargs="+", required=True, help="tables of every split")
    parser.add_argument("--output", type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")
    arguments = parser.parse_args()
    means = read_table(*arguments.number_means)
    files = {file.stem: file for file in arguments.game_files}
    games = [load_number_game(files[file_stem(name)], name) for name in means["game"].unique().sort()]
    write_table(number_game_table(games, means), arguments.output)


if __name__ == "__main__":
    run_main(main)
