"""Whether a model's answers follow the order or the letters of the options, or differ between cells."""

import polars as pl

from tom.core.frames import table_schema
from tom.evaluation.cell_differences import cell_differences
from tom.evaluation.propensities import CELL, count_unreadable
from tom.prompts.variants import LABELS, ORDERS


def diagnose(shards: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """The table diagnostics without its split: one row for each model, sorted by name.

    order_bias: mean over cells of |p first − p last|, the exact propensities with cooperation listed first and last; 0:
    the order does not matter. letter_change: mean over cells and orders of |p − p exchanged|, the latter with C and D
    exchanged; 0: the model follows the game. letter_distance: mean |p − (1 − p exchanged)|; 0: it follows the letter.
    option_mass: probability that a free reply begins with an option, mean over all scored variants. Each is null
    without the score rows that it needs. invalid: replies that can't be read, by outcome in the columns of UNREADABLE.
    The rest: tom/evaluation/cell_differences.py.
    """
    by_model = (
        shards.lazy()
        .filter(pl.col("record") == "observation")
        .group_by("model")
        .agg(
            observations=pl.len(),
            invalid=pl.col("action").is_null().sum(),
            invalid_share=pl.col("action").is_null().mean(),
            **count_unreadable(),
        )
    )
    scored = shards.lazy().filter(pl.col("record") == "score")
    replies, scores = pl.collect_all([by_model, scored], engine="streaming")
    biases, differences = answer_biases(scores, LABELS), cell_differences(shards, scores)
    found = replies.join(biases, on="model", how="left").join(differences, on="model", how="left")
    return found.select(list(table_schema("diagnostics"))[1:]).sort("model")


def answer_biases(scores: pl.DataFrame, labels: tuple[str, str]) -> pl.DataFrame:
    """One row for each model: order_bias, letter_change, letter_distance and option_mass as in `diagnose`.

    scores: score rows of each cell in each variant. labels: the label of cooperation, and the one where they are
    exchanged.
    """
    orders = _pairs(scores.filter(pl.col("cooperation_label") == labels[0]), "order", ORDERS)
    exchanged = _pairs(scores, "cooperation_label", labels, "order")
    first, second = pl.col("first"), pl.col("second")
    following = exchanged.group_by("model").agg(
        letter_change=(first - second).abs().mean(), letter_distance=(first + second - 1).abs().mean()
    )
    return (
        scores.group_by("model")
        .agg(pl.col("option_mass").mean())
        .join(orders.group_by("model").agg(order_bias=(first - second).abs().mean()), on="model", how="left")
        .join(following, on="model", how="left")
        .select("model", "order_bias", "letter_change", "letter_distance", "option_mass")
    )


def _pairs(scores: pl.DataFrame, column: str, values: tuple[str, str], *more_keys: str) -> pl.DataFrame:
    """Each cell's propensity to cooperate at two values of a column, as `first` and `second`."""
    keys = ["model", *CELL, *more_keys]
    first, second = (
        scores.filter(pl.col(column) == value).select(*keys, pl.col("p_cooperate").alias(name))
        for value, name in zip(values, ("first", "second"), strict=True)
    )
    return first.join(second, on=keys)
