"""What moves the choice in each split, from counts of any origin: sensitivities, reactions and the joint model."""

import polars as pl

from tom.config.study import IN_SAMPLE
from tom.core.frames import frame_of, table_schema
from tom.core.roles import TEACHER
from tom.evaluation.joint_choice_model import joint_rows
from tom.evaluation.reactions import matched, reaction_rows, reaction_summary
from tom.evaluation.sensitivities import sensitivity_rows
from tom.statistics.resampling import Counted, Uncertainty

Cells = list[tuple[str, str]]
SplitCounts = dict[str, tuple[Cells, dict[str, Counted]]]
"""Split → its (game, context) cells, sorted, and each model's counts over them."""


def sensitivity_tables(by_view: dict[str, SplitCounts], uncertainty: Uncertainty) -> dict[str, pl.DataFrame]:
    """Table → its rows of all splits in all views; what is not defined is null."""
    effects, by_cell, joint = [], [], []
    for view, counts in by_view.items():
        taught, originals = counts.get(IN_SAMPLE, ([], {}))
        for split, (cells, models) in counts.items():
            keys = {"split": split, "view": view}
            rows = sensitivity_rows(cells, models, uncertainty, split, view)
            scaled_cells, scaled, original = matched(taught, cells)
            if scaled_cells:
                before = {model: originals[model].cells(original) for model in models}
                after = {model: models[model].cells(scaled) for model in models}
                found = reaction_rows(scaled_cells, before, after, uncertainty.confidence)
                by_cell += [keys | row for row in found]
                rows += reaction_summary(before, after, found, uncertainty, split, view)
            effects += [keys | row for row in rows]
            joint += [keys | row for row in joint_rows(cells, models, uncertainty.confidence)]
    return {
        "sensitivities": frame_of(effects, table_schema("sensitivities")),
        "reactions": frame_of(by_cell, table_schema("reactions")),
        "joint_choice_model": frame_of(joint, table_schema("joint_choice_model")),
    }


def counts_of(propensities: pl.DataFrame, view: str) -> SplitCounts:
    """Counts of each split in one view, from tables of propensities.

    Cells in which a model gave no readable reply are left out.
    """
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
