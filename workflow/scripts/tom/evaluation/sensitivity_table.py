"""What moves the choice, in every split, from counts of any origin: sensitivities, reactions, the joint model."""

import polars as pl

from tom.config.study import IN_SAMPLE
from tom.core.roles import TEACHER
from tom.evaluation import joint_choice_model, reactions, sensitivities
from tom.statistics.resampling import Counted
from tom.statistics.uncertainty import Uncertainty

Cells = list[tuple[str, str]]
SplitCounts = dict[str, tuple[Cells, dict[str, Counted]]]
"""Split → its (game, context) cells, sorted, and each model's counts over them."""


TABLES = {
    "sensitivities": sensitivities.COLUMNS,
    "reactions": reactions.COLUMNS,
    "joint_choice_model": joint_choice_model.COLUMNS,
}
"""Table → its columns."""


def sensitivity_tables(by_view: dict[str, SplitCounts], uncertainty: Uncertainty) -> dict[str, pl.DataFrame]:
    """TABLES of every split in every view, null where a value is not defined."""
    rows = {name: [] for name in TABLES}
    for view, counts in by_view.items():
        for name, more in _rows(counts, uncertainty, view).items():
            rows[name] += more
    return {name: _frame(rows[name], columns) for name, columns in TABLES.items()}


def _rows(counts: SplitCounts, uncertainty: Uncertainty, view: str) -> dict[str, list[dict]]:
    effects, by_cell, joint = [], [], []
    for split, (cells, models) in counts.items():
        keys = {"split": split, "view": view}
        rows = sensitivities.sensitivity_rows(cells, models, uncertainty, split, view)
        taught, originals = counts.get(IN_SAMPLE, ([], {}))
        scaled_cells, scaled, original = reactions.matched(taught, cells)
        if scaled_cells:
            before = {model: taken(originals[model], original) for model in models}
            after = {model: taken(models[model], scaled) for model in models}
            found = reactions.reaction_rows(scaled_cells, before, after, uncertainty.confidence)
            by_cell += [keys | row for row in found]
            rows += reactions.reaction_summary(before, after, found, uncertainty, split, view)
        effects += [keys | row for row in rows]
        joint += [keys | row for row in joint_choice_model.joint_rows(cells, models, uncertainty.confidence)]
    return dict(zip(TABLES, (effects, by_cell, joint), strict=True))


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


def _frame(rows: list[dict], columns: dict) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in columns} for row in rows], schema=columns).fill_nan(None)
