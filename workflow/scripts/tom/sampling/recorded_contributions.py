"""A teacher whose contributions were published as counts: its shards replay them, smallest amount first."""

from pathlib import Path

import polars as pl

from tom.core.errors import UserError

COLUMNS = ("context", "game", "model", "contribution", "count")

Counts = dict[tuple[str, str], dict[int, int]]
"""(game, context) → contribution in dollars → how many observations gave it."""


def read_contribution_counts(file: str | Path, model: str) -> Counts:
    """The counts of one model in a table of COLUMNS, amounts in increasing order.

    Errors: UserError names the file and what is wrong.
    """
    try:
        rows = pl.read_csv(file).select(COLUMNS).filter(model=model)
    except FileNotFoundError:
        raise UserError(f"{file}: no such table of recorded contributions") from None
    except pl.exceptions.PolarsError as error:
        raise UserError(f"{file}: needs the columns {', '.join(COLUMNS)} ({str(error).splitlines()[0]})") from None
    counts: Counts = {}
    for game, context, amount, count in rows.select("game", "context", "contribution", "count").rows():
        found = counts.setdefault((game, context), {})
        if not (isinstance(amount, int) and isinstance(count, int) and amount >= 0 and count > 0):
            raise UserError(f"{file}: {game} in {context}: {amount}, {count} times (allowed: whole numbers)")
        if amount in found:
            raise UserError(
                f"{file}: {game} in {context}: '{model}' gives {amount} in two rows (allowed: one for each)"
            )
        found[amount] = count
    return {cell: dict(sorted(found.items())) for cell, found in counts.items()}


def require_contributions(counts: Counts, choices: dict[tuple[str, str], range], file: str, model: str) -> None:
    """Raise UserError unless each (game, context) was recorded, within what may be named there."""
    for (game, context), allowed in choices.items():
        if (game, context) not in counts:
            raise UserError(
                f"{file}: no recorded contributions of '{model}' for {game} in {context} (allowed: cells that were"
                " recorded, or `recorded: false` in a split that only students answer)"
            )
        if outside := [number for number in counts[game, context] if number not in allowed]:
            raise UserError(
                f"{file}: {game} in {context}: a contribution of {outside[0]} (allowed: {allowed[0]} to {allowed[-1]})"
            )


def replay_contributions(counts: dict[int, int], fields: dict) -> list[dict]:
    """Observation rows of one cell; counts: contribution → observations; fields: the columns all rows share."""
    given = [amount for amount, count in counts.items() for _ in range(count)]
    read = {"record": "observation", "outcome": "read", "rule": "recorded", "engine": "recorded"}
    return [fields | read | {"observation": place, "number": amount} for place, amount in enumerate(given)]
