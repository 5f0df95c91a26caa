"""Every game of a run by what its payoffs say, beside how often it was answered with cooperation."""

import polars as pl

from tom.core.roles import BASE, TEACHER, role
from tom.evaluation.propensities import headline_view
from tom.games.equilibria import (
    Outcome,
    dominant_action,
    mixed_equilibrium,
    pareto_optimal,
    pure_equilibria,
    risk_dominant,
    social_optima,
)
from tom.games.game import Game, family_of

ROLES = (TEACHER, BASE, "tuned")

COLUMNS = {
    "split": pl.String,
    "game": pl.String,
    "family": pl.String,
    "order": pl.String,
    **dict.fromkeys("TRPS", pl.Float64),
    "pure_equilibria": pl.String,
    "mixed_cooperation": pl.Float64,
    "dominant": pl.String,
    "pareto_optimal": pl.String,
    "social_optimum": pl.String,
    "risk_dominant": pl.String,
    **dict.fromkeys(ROLES, pl.Float64),
}


def letters(outcome: Outcome) -> str:
    """`CD`: the row player cooperates, the column player defects."""
    return "".join("C" if cooperates else "D" for cooperates in outcome)


def structure_row(game: Game) -> dict:
    """What a game's payoffs say, as columns; outcomes in letters, several separated by spaces."""
    payoffs = {letter: float(getattr(game, letter)) for letter in "TRPS"}
    order = sorted(payoffs, key=payoffs.get, reverse=True)
    dominant, risk = dominant_action(game), risk_dominant(game)
    return {
        "game": game.name,
        "family": family_of("".join(order)),
        "order": " > ".join(order),
        **payoffs,
        "pure_equilibria": " ".join(map(letters, pure_equilibria(game))),
        "mixed_cooperation": mixed_equilibrium(game),
        "dominant": None if dominant is None else "cooperate" if dominant else "defect",
        "pareto_optimal": " ".join(map(letters, pareto_optimal(game))),
        "social_optimum": " ".join(map(letters, social_optima(game))),
        "risk_dominant": None if risk is None else letters(risk),
    }


def game_table(games: list[Game], propensities: pl.DataFrame) -> pl.DataFrame:
    """A row of COLUMNS for each split and game. propensities: the tables of every split.

    A propensity is the mean over the split's contexts in the headline view, exact where known, and over tuned students.
    """
    structure = {game.name: structure_row(game) for game in games}
    cells = propensities.filter(level="cell")
    cells = cells.filter(view=headline_view(cells["view"].unique().to_list())).with_columns(
        role=pl.col("model").map_elements(role, return_dtype=pl.String), shown=pl.coalesce("exact", "rate")
    )
    means = cells.group_by("split", "game", "role", maintain_order=True).agg(pl.col("shown").mean())
    wide = means.pivot("role", index=["split", "game"], values="shown", maintain_order=True)
    rows = [{"split": row["split"]} | structure[row["game"]] | row for row in wide.iter_rows(named=True)]
    return pl.DataFrame([{name: row.get(name) for name in COLUMNS} for row in rows], schema=COLUMNS)
