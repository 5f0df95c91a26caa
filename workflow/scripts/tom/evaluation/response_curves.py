"""Response curves: how often each model cooperates in a game, against the scale and the shift of its payoffs.

Every point of a curve is the mean over the same contexts, those in which the game was asked at each of its payoffs:
else a curve would show which contexts were asked. The change from the original payoffs is paired by context.
"""

import polars as pl

from tom.config.study import curve_cells
from tom.core.errors import UserError
from tom.core.roles import role
from tom.evaluation.propensities import CELL, available_views, headline_view, tabulate
from tom.games.rescaling import Rescaling, split_rescaling
from tom.statistics.clusters import mean_of_clusters

COLUMNS = {
    "game": pl.String,
    "scale": pl.Float64,
    "shift": pl.Float64,
    "role": pl.String,
    "view": pl.String,
    "contexts": pl.Int64,
    "seeds": pl.Int64,
    "observations": pl.Int64,
    "rate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "exact": pl.Float64,
    "change": pl.Float64,
    "change_low": pl.Float64,
    "change_high": pl.Float64,
    "confidence": pl.Float64,
}


def response_curves(counts: pl.DataFrame, confidence: float) -> pl.DataFrame:
    """Rows of COLUMNS, by game, scale, shift and role. counts: as tom/evaluation/propensities.py counts replies.

    Students are read in the headline view. contexts: of the game's, those in which the model gave a readable reply; it
    may not have been asked in all. low, high: Jeffreys interval of the pooled replies, of these very contexts. change:
    from the original payoffs, exact where known, with Student's t over contexts; null unless the model has them all.
    Errors: UserError where no game was asked at several payoffs in some context.
    """
    cells = counts.select(CELL).unique().sort(CELL)
    kept = pl.DataFrame(curve_cells(cells.rows()), schema=cells.schema, orient="row")
    if kept.is_empty():
        raise UserError("shards: no game at several scales or shifts, all of them in one and the same context")
    seeds = dict(counts.group_by(_role().alias("role")).agg(pl.col("model").n_unique()).rows())
    view = headline_view(available_views(counts))
    pooled = counts.join(kept, on=CELL, how="semi").with_columns(model=_role())
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
        rows.append({name: (row | point).get(name) for name in COLUMNS})
    return pl.DataFrame(rows, schema=COLUMNS).fill_nan(None).sort("game", "scale", "shift", "role")


def _role() -> pl.Expr:
    return pl.col("model").map_elements(role, return_dtype=pl.String)
