"""Numbers named, counted: how often each model named each in each cell."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import norm

from tom.parsing.outcomes import UNREADABLE

MEAN_COLUMNS = {
    "split": pl.String,
    "game": pl.String,
    "context": pl.String,
    "model": pl.String,
    "observations": pl.Int64,
    "invalid": pl.Int64,
    **dict.fromkeys(UNREADABLE, pl.Int64),
    "mean": pl.Float64,
    "standard_error": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "sd": pl.Float64,
    "exact_mean": pl.Float64,
    "option_mass": pl.Float64,
    "confidence": pl.Float64,
}

DISTRIBUTION_COLUMNS = {
    "split": pl.String,
    "game": pl.String,
    "context": pl.String,
    "model": pl.String,
    "number": pl.Int64,
    "count": pl.Int64,
    "share": pl.Float64,
    "exact": pl.Float64,
}


@dataclass(frozen=True)
class Numbers:
    """What one model named in one cell.

    choices: what could be named. counts: (choices,) readable replies that named each. exact: the same as
    probabilities, None without logits. unreadable: outcome → replies that can't be read.
    """

    choices: range
    counts: np.ndarray
    exact: np.ndarray | None
    unreadable: dict[str, int]
    option_mass: float | None

    def shares(self) -> np.ndarray:
        """(choices,): of the readable replies; there is one."""
        return self.counts / self.counts.sum()


Cell = tuple[str, str]
"""(game, context)."""


def count_numbers(shards: pl.DataFrame, choices: dict[str, range]) -> dict[str, dict[Cell, Numbers]]:
    """Model → cell → numbers. shards: of NUMBER_COLUMNS; choices: game → what may be named in it."""
    found: dict[str, dict[Cell, Numbers]] = {}
    for (model, game, context), rows in shards.sort("model", "game", "context").group_by(
        "model", "game", "context", maintain_order=True
    ):
        scores, replies = (rows.filter(record=record) for record in ("score", "observation"))
        outcomes = replies["outcome"].to_list()
        given = replies["number"].drop_nulls().to_numpy()
        found.setdefault(model, {})[game, context] = Numbers(
            choices=choices[game],
            counts=np.bincount(given - choices[game][0], minlength=len(choices[game])),
            exact=scores.sort("number")["probability"].to_numpy() if scores.height else None,
            unreadable={outcome: outcomes.count(outcome) for outcome in UNREADABLE},
            option_mass=scores["option_mass"][0] if scores.height else None,
        )
    return found


def mean_table(counted: dict[str, dict[Cell, Numbers]], split: str, confidence: float) -> pl.DataFrame:
    """A row of MEAN_COLUMNS for each model and cell; what can't be known of too few replies is null.

    low, high: normal interval of the mean of independent replies to one prompt.
    """
    rows = []
    for model, cells in counted.items():
        for (game, context), given in cells.items():
            invalid = sum(given.unreadable.values())
            row = {"split": split, "game": game, "context": context, "model": model, "invalid": invalid}
            row |= given.unreadable | {"observations": int(given.counts.sum()) + invalid, "confidence": confidence}
            row |= _moments(given, confidence) | {"option_mass": given.option_mass}
            if given.exact is not None:
                row["exact_mean"] = float(given.exact @ np.array(given.choices))
            rows.append({name: row.get(name) for name in MEAN_COLUMNS})
    return pl.DataFrame(rows, schema=MEAN_COLUMNS)


def _moments(numbers: Numbers, confidence: float) -> dict[str, float]:
    """mean, and with two replies or more sd, standard_error, low and high."""
    given = np.repeat(np.array(numbers.choices), numbers.counts)
    if not given.size:
        return {}
    mean = float(given.mean())
    if given.size == 1:
        return {"mean": mean}
    deviation = float(given.std(ddof=1))
    error = deviation / given.size**0.5
    half = float(norm.ppf((1 + confidence) / 2)) * error
    return {"mean": mean, "sd": deviation, "standard_error": error, "low": mean - half, "high": mean + half}


def distribution_table(counted: dict[str, dict[Cell, Numbers]], split: str) -> pl.DataFrame:
    """A row of DISTRIBUTION_COLUMNS for each model, cell and amount; share is null without a readable reply."""
    rows = []
    for model, cells in counted.items():
        for (game, context), given in cells.items():
            total = int(given.counts.sum())
            for place, count in enumerate(given.counts.tolist()):
                rows.append(
                    {"split": split, "game": game, "context": context, "model": model, "number": given.choices[place]}
                    | {"count": count, "share": count / total if total else None}
                    | {"exact": None if given.exact is None else float(given.exact[place])}
                )
    return pl.DataFrame(rows, schema=DISTRIBUTION_COLUMNS)
