"""Counts of the numbers that each model named in each cell."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from tom.core.frames import frame_of, table_schema
from tom.parsing.outcomes import UNREADABLE
from tom.statistics.distributions import normal_quantile


@dataclass(frozen=True)
class Numbers:
    """The numbers that one model named in one cell.

    choices: the numbers that may be named. counts: (choices,) readable replies that named each. exact: (choices,) exact
    probabilities, None without logits. unreadable: outcome → replies that can't be read. option_mass: probability that
    a free reply is a number and nothing else, None without logits.
    """

    choices: range
    counts: np.ndarray
    exact: np.ndarray | None
    unreadable: dict[str, int]
    option_mass: float | None

    def shares(self) -> np.ndarray:
        """(choices,): shares of the readable replies; needs at least one."""
        return self.counts / self.counts.sum()


Cell = tuple[str, str]
"""(game, context)."""


def count_numbers(shards: pl.DataFrame, choices: dict[str, range]) -> dict[str, dict[Cell, Numbers]]:
    """Model → cell → numbers. shards: as tom/sampling/shards.py has them; choices: game → what may be named in it."""
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
    """The table number_means: one row for each model and cell; null where there are too few replies for a value.

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
            rows.append(row)
    return frame_of(rows, table_schema("number_means"))


def _moments(numbers: Numbers, confidence: float) -> dict[str, float]:
    """mean, and from two replies on also sd, standard_error, low and high."""
    given = np.repeat(np.array(numbers.choices), numbers.counts)
    if not given.size:
        return {}
    mean = float(given.mean())
    if given.size == 1:
        return {"mean": mean}
    deviation = float(given.std(ddof=1))
    error = deviation / given.size**0.5
    half = float(normal_quantile((1 + confidence) / 2)) * error
    return {"mean": mean, "sd": deviation, "standard_error": error, "low": mean - half, "high": mean + half}


def distribution_table(counted: dict[str, dict[Cell, Numbers]], split: str) -> pl.DataFrame:
    """The table number_distributions: one row for each model, cell and number; share: null without a readable reply."""
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
    return frame_of(rows, table_schema("number_distributions"))
