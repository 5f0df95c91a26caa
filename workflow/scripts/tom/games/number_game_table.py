"""Every game of a run in which a number is named: what its payoffs say, beside the numbers that were named."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from tom.core.roles import role
from tom.games import sequential as sequential_games
from tom.games import symmetric as symmetric_games
from tom.games.action_profiles import ALL
from tom.games.dominance import dominant, strictly_dominated, weakly_dominated
from tom.games.game_table import ROLES
from tom.games.number_game import NumberGame, SequentialGame, SymmetricGame

COLUMNS = {
    "split": pl.String,
    "game": pl.String,
    "family": pl.String,
    "role": pl.String,
    "players": pl.Int64,
    "lowest": pl.Int64,
    "highest": pl.Int64,
    "equilibria": pl.String,
    "dominant": pl.String,
    "strictly_dominated": pl.String,
    "weakly_dominated": pl.String,
    "elimination": pl.String,
    "elimination_rounds": pl.Int64,
    "pareto_optimal": pl.String,
    "social_optimum": pl.String,
    "compared": pl.String,
    **dict.fromkeys(ROLES, pl.Float64),
}


def runs(numbers: Iterable[int]) -> str:
    """`0, 2 to 4`: increasing numbers as text, three or more in a row by their ends."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    parts = [[f"{run[0]} to {run[-1]}"] if len(run) > 2 else list(map(str, run)) for run in found]
    return ", ".join(part for texts in parts for part in texts)


def structure_row(game: NumberGame) -> dict:
    """What a game's payoffs say, as columns; numbers of the player who is asked."""
    found = sequential_columns(game) if hasattr(game, "moves") else symmetric_columns(game)
    choices = game.choices()
    return {
        "game": game.name,
        "family": game.family,
        "players": game.players,
        "lowest": choices[0],
        "highest": choices[-1],
    } | {name: runs(value) or "none" if isinstance(value, list) else value for name, value in found.items()}


def sequential_columns(game: SequentialGame) -> dict:
    """What is said of a game in which one player replies to the other; its numbers as lists."""
    return {
        "role": game.role,
        "equilibria": sequential_games.perfect_equilibria(game),
        **dominance_columns(game, sequential_games.payoff_table(game)),
        "pareto_optimal": sequential_games.pareto_optimal(game),
        "social_optimum": sequential_games.social_optima(game),
        "compared": ALL,
    }


def symmetric_columns(game: SymmetricGame) -> dict:
    """What is said of a game in which all players decide at the same time; without what is too much to go through."""
    columns, compared = {"equilibria": symmetric_games.symmetric_equilibria(game)}, []
    if table := symmetric_games.payoff_table(game, game.choices()):
        left, rounds = symmetric_games.eliminated(game, table.payoffs)
        columns |= dominance_columns(game, table.payoffs) | {"elimination": left, "elimination_rounds": rounds}
        compared.append(table.against)
    if optima := symmetric_games.common_optima(game):
        columns |= {"pareto_optimal": optima.pareto, "social_optimum": optima.social}
        compared.append(optima.against)
    # In the order of the alphabet: all only where both are.
    return columns | {"compared": max(compared, default=None)}


def dominance_columns(game: NumberGame, payoffs: np.ndarray) -> dict:
    """The numbers that each rule of dominance names."""
    rules = {"dominant": dominant, "strictly_dominated": strictly_dominated, "weakly_dominated": weakly_dominated}
    return {
        name: [number for number, named in zip(game.choices(), rule(payoffs), strict=True) if named]
        for name, rule in rules.items()
    }


def number_game_table(games: list[NumberGame], means: pl.DataFrame) -> pl.DataFrame:
    """A row of COLUMNS for each split and game. means: the tables of every split (tom/evaluation/number_counts.py).

    Numbers are means over the split's contexts, exact where known, and over tuned students.
    """
    structure = {game.name: structure_row(game) for game in games}
    shown = means.with_columns(
        role=pl.col("model").map_elements(role, return_dtype=pl.String), shown=pl.coalesce("exact_mean", "mean")
    )
    found = shown.group_by("split", "game", "role", maintain_order=True).agg(pl.col("shown").mean())
    wide = found.pivot("role", index=["split", "game"], values="shown", maintain_order=True)
    rows = [row | structure[row["game"]] for row in wide.iter_rows(named=True)]
    return pl.DataFrame([{name: row.get(name) for name in COLUMNS} for row in rows], schema=COLUMNS)
