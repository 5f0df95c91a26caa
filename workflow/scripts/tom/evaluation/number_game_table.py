"""The games of a run in which a number is named: what the payoffs of each imply, and the numbers that were named."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from tom.core.frames import frame_of, roles_of, table_schema
from tom.games import sequential as sequential_games
from tom.games import symmetric as symmetric_games
from tom.games.action_profiles import ALL
from tom.games.dominance import dominant, strictly_dominated, weakly_dominated
from tom.games.number_game import NumberGame, SequentialGame, SymmetricGame


def runs(numbers: Iterable[int]) -> str:
    """`0, 2 to 4`: increasing numbers as text; runs of three or more are given by their ends."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    parts = [[f"{run[0]} to {run[-1]}"] if len(run) > 2 else list(map(str, run)) for run in found]
    return ", ".join(part for texts in parts for part in texts)


def structure_row(game: NumberGame) -> dict:
    """What a game's payoffs imply, as columns; numbers are those of the player who is asked."""
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
    """The columns of a game in which one player replies to the other; numbers as lists."""
    return {
        "role": game.role,
        "equilibria": sequential_games.perfect_equilibria(game),
        **dominance_columns(game, sequential_games.payoff_table(game)),
        "pareto_optimal": sequential_games.pareto_optimal(game),
        "social_optimum": sequential_games.social_optima(game),
        "compared": ALL,
    }


def symmetric_columns(game: SymmetricGame) -> dict:
    """The columns of a game in which all players choose at the same time, without those that have too many outcomes to
    search; numbers as lists.
    """
    columns, compared = {"equilibria": symmetric_games.symmetric_equilibria(game)}, []
    if table := symmetric_games.payoff_table(game, game.choices()):
        left, rounds = symmetric_games.eliminated(game, table.payoffs)
        columns |= dominance_columns(game, table.payoffs) | {"elimination": left, "elimination_rounds": rounds}
        compared.append(table.against)
    if optima := symmetric_games.common_optima(game):
        columns |= {"pareto_optimal": optima.pareto, "social_optimum": optima.social}
        compared.append(optima.against)
    # The alphabetically last one: `all` only if both are.
    return columns | {"compared": max(compared, default=None)}


def dominance_columns(game: NumberGame, payoffs: np.ndarray) -> dict:
    """Column → the numbers that each kind of dominance applies to. payoffs: as tom/games/dominance.py takes them."""
    rules = {"dominant": dominant, "strictly_dominated": strictly_dominated, "weakly_dominated": weakly_dominated}
    return {
        name: [number for number, named in zip(game.choices(), rule(payoffs), strict=True) if named]
        for name, rule in rules.items()
    }


def number_game_table(games: list[NumberGame], means: pl.DataFrame) -> pl.DataFrame:
    """The table number_games: one row for each split and game. means: the tables number_means of all splits.

    Numbers are means over the split's contexts, and over tuned students; exact where known.
    """
    structure = {game.name: structure_row(game) for game in games}
    shown = means.with_columns(role=roles_of(), shown=pl.coalesce("exact_mean", "mean"))
    found = shown.group_by("split", "game", "role", maintain_order=True).agg(pl.col("shown").mean())
    wide = found.pivot("role", index=["split", "game"], values="shown", maintain_order=True)
    rows = [row | structure[row["game"]] for row in wide.iter_rows(named=True)]
    return frame_of(rows, table_schema("number_games"))
