"""The sensitivities and reactions of every split, from counts of any origin."""

import polars as pl

from tom.measuring import reactions, sensitivities
from tom.models import TEACHER
from tom.statistics.precision import Precision
from tom.statistics.resampling import Counted
from tom.study import IN_SAMPLE

Cells = list[tuple[str, str]]
SplitCounts = dict[str, tuple[Cells, dict[str, Counted]]]
"""Split → its (game, context) cells, sorted, and each model's counts over them."""


def sensitivity_tables(counts: SplitCounts, precision: Precision, view: str) -> tuple[list[dict], list[dict]]:
    """(rows of tom/measuring/sensitivities.py, rows of tom/measuring/reactions.py) of every split in one view."""
    effects, by_cell = [], []
    for split, (cells, models) in counts.items():
        keys = {"split": split, "view": view}
        rows = sensitivities.sensitivity_rows(cells, models, precision, split, view)
        taught, originals = counts.get(IN_SAMPLE, ([], {}))
        scaled_cells, scaled, original = reactions.matched(taught, cells)
        if scaled_cells:
            before = {model: taken(originals[model], original) for model in models}
            after = {model: taken(models[model], scaled) for model in models}
            found = reactions.reaction_rows(scaled_cells, before, after, precision.confidence)
            by_cell += [keys | row for row in found]
            rows += reactions.reaction_summary(before, after, found, precision, split, view)
        effects += [keys | row for row in rows]
    return effects, by_cell


def taken(counts: Counted, numbers: list[int]) -> Counted:
    """The cells with these numbers, in this order."""
    return Counted(counts.cooperated[numbers], counts.readable[numbers])


def counts_of(propensities: pl.DataFrame, view: str) -> SplitCounts:
    """Counts of every split in one view, from tables of propensities; cells that a model left empty are left out."""
    cells = propensities.filter(level="cell", view=view).with_columns(
        readable=pl.col("cooperated") + pl.col("defected")
    )
    found = {}
    for split in cells["split"].unique(maintain_order=True):
        rows = cells.filter(split=split)
        kept = rows.group_by("game", "context").agg(pl.col("readable").min()).filter(pl.col("readable") > 0)
        rows = rows.join(kept.select("game", "context"), on=["game", "context"]).sort("game", "context")
        models = sorted(set(rows["model"]), key=lambda name: (name != TEACHER, name))
        parts = {model: rows.filter(model=model) for model in models}
        if models:
            found[split] = (
                parts[TEACHER].select("game", "context").rows(),
                {
                    model: Counted(*(part[name].to_numpy()[:, None] for name in ("cooperated", "readable")))
                    for model, part in parts.items()
                },
            )
    return found


def as_tables(effects: list[dict], by_cell: list[dict]) -> dict[str, pl.DataFrame]:
    """The two lists of rows as tables, null where a value is not defined."""
    return {
        "sensitivities": _frame(effects, sensitivities.COLUMNS),
        "reactions": _frame(by_cell, reactions.COLUMNS),
    }


def _frame(rows: list[dict], columns: dict) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in columns} for row in rows], schema=columns).fill_nan(None)
