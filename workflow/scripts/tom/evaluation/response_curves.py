"""Response curves: how often each model cooperates in a game, by the scale and the shift of its payoffs.

All points of a curve are means over the same contexts, those in which the game was asked at each of its payoffs.
Otherwise differences between contexts would show as differences between payoffs. The change from the original payoffs
is paired by context.
"""

import polars as pl

from tom.config.study import curve_cells
from tom.core.errors import UserError
from tom.core.frames import frame_of, roles_of, table_schema
from tom.evaluation.propensities import CELL, available_views, headline_view, tabulate
from tom.games.rescaling import Rescaling, split_rescaling
from tom.statistics.clusters import mean_of_clusters


def response_curves(counts: pl.DataFrame, confidence: float) -> pl.DataFrame:
    """The table, sorted by game, scale, shift and role. counts: from count_replies (tom/evaluation/propensities.py).

    Students' propensities are those of the headline view. contexts: the number of the game's contexts in which the
    model gave a readable reply; it may not have been asked in all. low, high: Jeffreys interval of the pooled replies,
    for these contexts. change: from the original payoffs, exact where known, with Student's t over contexts; null
    unless the model has a value in all contexts at both payoffs.
    Errors: UserError unless some game was asked at several payoffs in the same context.
    """
    cells = counts.select(CELL).unique().sort(CELL)
    kept = pl.DataFrame(curve_cells(cells.rows()), schema=cells.schema, orient="row")
    if kept.is_empty():
        raise UserError("shards: no game at several scales or shifts, all of them in one and the same context")
    seeds = dict(counts.group_by(roles_of().alias("role")).agg(pl.col("model").n_unique()).rows())
    view = headline_view(available_views(counts))
    pooled = counts.join(kept, on=CELL, how="semi").with_columns(model=roles_of())
    table = tabulate(pooled, [view], confidence).with_columns(shown=pl.coalesce("exact", "rate"))
    by_context = {
        (*split_rescaling(row["game"]), row["context"], row["model"]): row["shown"]
        for row in table.filter(level="cell").iter_rows(named=True)
    }
    rows = []
    for row in table.filter(level="game").iter_rows(named=True):
        stem, rescaling = split_rescaling(row["game"])
        contexts = kept.filter(game=row["game"])["context"].to_list()
        point = {"game": stem, "scale": rescaling.scale, "shift": rescaling.shift, "role": row["model"], "view": view}
        read = [by_context.get((stem, rescaling, context, row["model"])) is not None for context in contexts]
        point |= {"contexts": sum(read), "seeds": seeds[row["model"]], "confidence": confidence}
        if rescaling != Rescaling():
            changes = [
                [by_context.get((stem, payoffs, context, row["model"])) for payoffs in (rescaling, Rescaling())]
                for context in contexts
            ]
            if all(None not in pair for pair in changes):
                found = mean_of_clusters([after - before for after, before in changes], confidence)
                point |= {"change": found.mean, "change_low": found.low, "change_high": found.high}
        rows.append(row | point)
    return frame_of(rows, table_schema("response_curves")).sort("game", "scale", "shift", "role")
