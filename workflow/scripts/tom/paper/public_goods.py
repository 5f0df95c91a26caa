"""The paper's public goods game: what each model gave, and how far tuning moved the base towards the teacher."""

import numpy as np
import polars as pl

from tom.core.frames import frame_of, table_schema
from tom.core.roles import TEACHER
from tom.statistics.distributions import normal_quantile
from tom.statistics.divergences import jensen_shannon, total_variation
from tom.statistics.fieller import RatioSet, fieller


def contribution_table(given: dict[str, np.ndarray], confidence: float) -> pl.DataFrame:
    """The table contributions, one row for each model; given: model → (replies,) contributions in dollars.

    low, high: normal interval of the mean of independent replies to one prompt. Divergences are from the teacher, and
    too high by sampling noise.
    """
    amounts = np.unique(np.concatenate(list(given.values())))
    shares = {model: (values[:, np.newaxis] == amounts).mean(axis=0) for model, values in given.items()}
    rows = []
    for model, values in given.items():
        mean, deviation = float(values.mean()), float(values.std(ddof=1))
        half = float(normal_quantile((1 + confidence) / 2)) * deviation / np.sqrt(values.size)
        rows.append(
            {
                "model": model,
                "replies": values.size,
                "mean": mean,
                "low": mean - half,
                "high": mean + half,
                "sd": deviation,
                "distinct": np.unique(values).size,
                "total_variation": float(total_variation(shares[model], shares[TEACHER])),
                "jensen_shannon": float(jensen_shannon(shares[model], shares[TEACHER])),
            }
        )
    return frame_of(rows, table_schema("contributions"))


def contribution_set(given: dict[str, np.ndarray], confidence: float) -> RatioSet:
    """Fieller's set of the improvement of the mean contribution, in percent.

    given: model → (replies,) contributions in dollars. Replies are assumed to be independent.
    """
    mean = {model: float(values.mean()) for model, values in given.items()}
    variance = {model: float(values.var(ddof=1)) / values.size for model, values in given.items()}
    found = fieller(
        mean["tuned"] - mean["base"],
        mean[TEACHER] - mean["base"],
        (variance["tuned"] + variance["base"], variance[TEACHER] + variance["base"]),
        variance["base"],
        float(normal_quantile((1 + confidence) / 2)),
    )
    return found.scaled(100)
