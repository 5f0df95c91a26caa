"""From shards to propensities: how often each model cooperates, cell by cell, in each view.

Views: `fixed` is the paper's order (cooperation first), `swapped` the other, and `both` the mean of the two orders'
propensities with equal weight. A model's propensity is that of the view's orders. A teacher that was not asked in all
of them, such as a recorded one, has the rate over all its observations, which is what is taught in every order.
"""

import polars as pl

from tom.core.errors import UserError
from tom.core.frames import table_schema
from tom.core.roles import TEACHER
from tom.parsing.outcomes import UNREADABLE
from tom.prompts.variants import LABELS, ORDERS
from tom.sampling.shards import ACTIONS
from tom.statistics.intervals import jeffreys

CELL = ("game", "context")
LEVELS = {"cell": ("game", "context"), "game": ("game",), "context": ("context",), "split": ()}
VIEWS = {"fixed": (ORDERS[0],), "swapped": (ORDERS[1],), "both": ORDERS}
_COUNTS = ("cooperated", "defected", "invalid", *UNREADABLE)
BOUNDS = ("all_invalid_defect", "all_invalid_cooperate")


def count_replies(shards: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """One row for each (model, game, context, order) of the observations in shards.

    Columns: observations = cooperated + defected + invalid (replies that can't be read); invalid by outcome, in the
    columns of UNREADABLE; `exact` and `option_mass` from the score rows with the same letters, null without such rows.
    Memory grows with the cells of a lazy frame, not with its observations.
    Errors: UserError names a cell that is given twice.
    """
    keys = ["model", *CELL, "order"]
    replies = shards.lazy().filter(pl.col("record") == "observation")
    counted = replies.group_by(keys).agg(
        first=pl.col("observation").min(),
        last=pl.col("observation").max(),
        observations=pl.len(),
        cooperated=(pl.col("action") == ACTIONS[0]).sum(),
        defected=(pl.col("action") == ACTIONS[1]).sum(),
        invalid=pl.col("action").is_null().sum(),
        **count_unreadable(),
    )
    scored = (
        shards.lazy()
        .filter((pl.col("record") == "score") & (pl.col("cooperation_label") == LABELS[0]))
        .select(*keys, pl.col("p_cooperate").alias("exact"), "option_mass")
    )
    counts, scores = pl.collect_all([counted, scored], engine="streaming")
    _check_numbers(counts)
    # Signed: differences of polars' unsigned counts would wrap around.
    counts = counts.with_columns(pl.col("observations", *_COUNTS).cast(pl.Int64))
    return counts.drop("first", "last").join(scores, on=keys, how="left").sort(keys)


def _check_numbers(counts: pl.DataFrame) -> None:
    """Raise UserError if a cell has more observations than numbers from its first observation to its last."""
    cells = counts.group_by("model", *CELL).agg(
        pl.col("observations").sum(), numbers=pl.col("last").max() - pl.col("first").min() + 1
    )
    twice = cells.filter(pl.col("observations") > pl.col("numbers")).sort("model", *CELL)
    if len(twice):
        raise UserError("given twice: the shard of {} for {} in {}".format(*twice.select("model", *CELL).row(0)))


def count_unreadable() -> dict[str, pl.Expr]:
    """Outcome of UNREADABLE → the number of replies with it."""
    return {outcome: (pl.col("outcome") == outcome).sum() for outcome in UNREADABLE}


def available_views(counts: pl.DataFrame) -> list[str]:
    """The views that the students' orders allow: all three with two orders, one with one."""
    orders = set(counts.filter(pl.col("model") != TEACHER)["order"])
    return [view for view, needed in VIEWS.items() if orders.issuperset(needed)]


def headline_view(views: list[str]) -> str:
    """The view that the results are stated in: `both`, or the only one there is."""
    return max(views, key=list(VIEWS).index)


def headline_view_of(table: pl.DataFrame) -> str:
    """The headline view of a table with a column `view`."""
    return headline_view(table["view"].unique().to_list())


def is_asked_in(counts: pl.DataFrame, orders: tuple[str, ...], model: str = TEACHER) -> bool:
    """Whether a model has observations in each of these orders in each of its cells."""
    own = counts.filter(pl.col("model") == model)
    return all(own.filter(order=order).height == own.select(CELL).n_unique() for order in orders)


def in_view(counts: pl.DataFrame, view: str) -> pl.DataFrame:
    """The rows that count in a view; with order null all rows of a teacher that was not asked in each of its orders."""
    orders = VIEWS[view]
    if not is_asked_in(counts, orders):
        counts = counts.with_columns(order=pl.when(pl.col("model") != TEACHER).then("order"))
    return counts.filter(pl.col("order").is_null() | pl.col("order").is_in(orders))


def tabulate(counts: pl.DataFrame, views: list[str], confidence: float) -> pl.DataFrame:
    """The table propensities without its split: every model at each level of LEVELS in each view.

    counts: from count_replies. Levels above the cell pool the counts of their cells. rate: the mean of the orders'
    rates, null where an order has no readable reply. low, high: Jeffreys interval of the counts pooled over the view's
    orders, which is wider than needed where the orders differ. all_invalid_defect, all_invalid_cooperate: the rate if
    all unreadable replies had defected or cooperated, which bounds it whatever they meant (Manski, Nonparametric Bounds
    on Treatment Effects, 1990). exact: mean of the exact propensities. pooled: whether all orders of a teacher count.
    """
    tables = [
        _tabulate_level(in_view(counts, view), keys).with_columns(level=pl.lit(level), view=pl.lit(view))
        for view in views
        for level, keys in LEVELS.items()
    ]
    table = pl.concat(tables, how="diagonal")
    low, high = jeffreys(table["cooperated"], table["cooperated"] + table["defected"], confidence)
    names = [name for name in table_schema("propensities") if name != "split"]
    table = table.with_columns(low=pl.Series(low), high=pl.Series(high)).select(names)
    return table.sort(pl.col("level").cast(pl.Enum(list(LEVELS))), *CELL, "view", "model")


def _tabulate_level(counts: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    readable = pl.col("cooperated") + pl.col("defected")
    by_order = counts.group_by("model", *keys, "order").agg(
        pl.col("observations", *_COUNTS).sum(), pl.col("exact", "option_mass").mean()
    )
    by_order = by_order.with_columns(
        rate=pl.when(readable > 0).then(pl.col("cooperated") / readable),
        all_invalid_defect=pl.col("cooperated") / pl.col("observations"),
        all_invalid_cooperate=(pl.col("cooperated") + pl.col("invalid")) / pl.col("observations"),
    )
    return by_order.group_by("model", *keys).agg(
        pl.col("observations", *_COUNTS).sum(),
        pl.when(pl.col("rate").is_not_null().all()).then(pl.col("rate").mean()),
        pl.col(*BOUNDS, "exact", "option_mass").mean(),
        pooled=pl.col("order").is_null().any(),
    )
