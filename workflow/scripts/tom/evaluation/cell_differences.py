"""How much a model's propensity differs between cells, beside the sampling noise of its observations.

A teacher whose cells differ by less than this noise has nothing that a student could learn about games and contexts.
"""

import numpy as np
import polars as pl

from tom.evaluation.aligned_counts import SAMPLED, answers_of, pooled_answers
from tom.evaluation.propensities import CELL, count_replies, is_asked_in
from tom.statistics.distributions import chi_square_above
from tom.statistics.resampling import Counted


def cell_differences(shards: pl.DataFrame | pl.LazyFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """One row for each model: order_difference, cell_sd, cell_noise and p_cells.

    scores: the score rows of the shards, in each variant. order_difference: mean over cells of the rate with
    cooperation listed first less the one with it last. cell_sd: standard deviation over cells of the exact propensity,
    averaged over option orders and both meanings of the letters. cell_noise: standard deviation that sampling noise
    gives the rate of a cell, averaged over orders. p_cells: of equal_cells_p_value. Each is null where it can't be
    known.
    """
    # Sorted, so that sums have the same last bits whatever the order of the shards.
    ordered = scores.sort("model", *CELL, "order", "cooperation_label")
    exact = ordered.group_by("model", *CELL, maintain_order=True).agg(pl.col("p_cooperate").mean())
    several = pl.when(pl.len() > 1).then(pl.col("p_cooperate").std(ddof=0))
    spreads = exact.group_by("model", maintain_order=True).agg(cell_sd=several)
    rows = []
    counts = count_replies(shards)
    for model in counts["model"].unique().sort():
        answers = _by_order(counts, model)
        noise = answers.variances()
        rates = answers.cooperated / np.maximum(answers.readable, 1)
        read = (answers.readable > 0).all(axis=1)
        difference = float(-np.diff(rates[read]).mean()) if rates.shape[1] == 2 and read.any() else None
        rows.append(
            {"model": model, "order_difference": difference, "p_cells": equal_cells_p_value(answers.cells(read))}
            | {"cell_noise": float(np.sqrt(noise[read].mean())) if read.any() else None}
        )
    columns = {"model": pl.String, **dict.fromkeys(("order_difference", "cell_noise", "p_cells"), pl.Float64)}
    return pl.DataFrame(rows, schema=columns).join(spreads, on="model", how="left")


def _by_order(counts: pl.DataFrame, model: str) -> Counted:
    """A model's counts, (cells, orders); orders are pooled unless it was asked in the same ones in each cell."""
    orders = tuple(counts.filter(pl.col("model") == model)["order"].unique().sort())
    if is_asked_in(counts, orders, model):
        return answers_of(counts, model, orders, SAMPLED)
    return pooled_answers(counts, model)


def equal_cells_p_value(answers: Counted) -> float | None:
    """p-value of one propensity in all cells, the mean over orders; each order may have another one.

    Chi-square of the cells' mean rates, with the binomial variances of the rates that the cells have together. With one
    order this is Pearson's test of homogeneity. Needs a reply in each cell and order; None for fewer than two cells.
    Source: Agresti, Categorical Data Analysis (2013), section 3.2.
    """
    cells, orders = answers.cooperated.shape
    if cells < 2:
        return None
    together = answers.cooperated.sum(axis=0) / answers.readable.sum(axis=0)
    variances = (together * (1 - together) / answers.readable).sum(axis=1) / orders**2
    if not variances.any():
        return 1.0
    weights = 1 / variances
    rates = answers.rates()
    squares = weights @ (rates - weights @ rates / weights.sum()) ** 2
    return float(chi_square_above(squares, cells - 1))
