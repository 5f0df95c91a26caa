"""The games of a run: what the payoffs of each imply, and how often models cooperate in it."""

from itertools import pairwise

import polars as pl

from tom.core.frames import frame_of, roles_of, table_schema
from tom.evaluation.propensities import headline_view_of
from tom.games.equilibria import (
    Outcome,
    dominant_action,
    mixed_equilibrium,
    pareto_optimal,
    pure_equilibria,
    risk_dominant,
    social_optima,
)
from tom.games.game import Game, order_of


def letters(outcome: Outcome) -> str:
    """`CD`: the asked player takes its first action, labelled C, and the other its second."""
    return "".join("C" if cooperates else "D" for cooperates in outcome)


def structure_row(game: Game) -> dict:
    """What a game's payoffs imply, as columns; outcomes in letters, several separated by spaces."""
    payoffs = {letter: float(getattr(game, letter)) for letter in "TRPS"}
    order = sorted(payoffs, key=payoffs.get, reverse=True)
    dominant, risk = dominant_action(game), risk_dominant(game)
    words = {True: "cooperate", False: "defect"} if game.has_cooperation else {True: "first", False: "second"}
    return {
        "game": game.name,
        "family": order_of(game.own) if game.symmetric else game.family,
        "order": _ranked(order, payoffs),
        **payoffs,
        "pure_equilibria": " ".join(map(letters, pure_equilibria(game))),
        "mixed_cooperation": mixed_equilibrium(game),
        "dominant": words.get(dominant),
        "pareto_optimal": " ".join(map(letters, pareto_optimal(game))),
        "social_optimum": " ".join(map(letters, social_optima(game))),
        "risk_dominant": None if risk is None else letters(risk),
    }


def _ranked(order: list[str], payoffs: dict[str, float]) -> str:
    """`R > T = P > S`."""
    signs = [" = " if payoffs[one] == payoffs[next_] else " > " for one, next_ in pairwise(order)]
    return "".join(letter + sign for letter, sign in zip(order, [*signs, ""], strict=True))


def game_table(games: list[Game], propensities: pl.DataFrame) -> pl.DataFrame:
    """The table games: one row for each split and game. propensities: the tables of all splits.

    Propensities are means over the split's contexts, and over tuned students, in the headline view; exact where known.
    """
    structure = {game.name: structure_row(game) for game in games}
    cells = propensities.filter(level="cell")
    cells = cells.filter(view=headline_view_of(cells))
    cells = cells.with_columns(role=roles_of(), shown=pl.coalesce("exact", "rate"))
    means = cells.group_by("split", "game", "role", maintain_order=True).agg(pl.col("shown").mean())
    wide = means.pivot("role", index=["split", "game"], values="shown", maintain_order=True)
    rows = [{"split": row["split"]} | structure[row["game"]] | row for row in wide.iter_rows(named=True)]
    return frame_of(rows, table_schema("games"))
