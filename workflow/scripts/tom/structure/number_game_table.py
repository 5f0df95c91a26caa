"""Every game of a run in which a number is named: what its payoffs say, beside the numbers that were named."""

from collections.abc import Iterable

import polars as pl

from tom.models import role
from tom.number_games.forms import NumberGame
from tom.structure import sequential_games, symmetric_games
from tom.structure.game_table import ROLES

COLUMNS = {
    "split": pl.String,
    "game": pl.String,
    "family": pl.String,
    "role": pl.String,
    "players": pl.Int64,
    "lowest": pl.Int64,
    "highest": pl.Int64,
    "equilibria": pl.String,
    "social_optimum": pl.String,
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
    sequential = hasattr(game, "moves")
    equilibria = sequential_games.perfect_equilibria if sequential else symmetric_games.symmetric_equilibria
    optima = sequential_games.social_optima if sequential else symmetric_games.common_optima
    choices = game.choices()
    return {
        "game": game.name,
        "family": game.family,
        "role": game.role if sequential else None,
        "players": game.players,
        "lowest": choices[0],
        "highest": choices[-1],
        "equilibria": runs(equilibria(game)),
        "social_optimum": runs(optima(game)),
    }


def number_game_table(games: list[NumberGame], means: pl.DataFrame) -> pl.DataFrame:
    """A row of COLUMNS for each split and game. means: the tables of every split (tom/measuring/number_counts.py).

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
