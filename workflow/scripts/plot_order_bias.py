"""Plot how often each model cooperates where cooperation is listed first, and where it is listed last.

A model that answers by the game gives level lines. One that takes what is listed first gives falling ones.

python workflow/scripts/plot_order_bias.py --propensities P.parquet ... --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.core.frames import roles_of
from tom.evaluation.propensities import CELL
from tom.reporting.context_marks import add_context_legend, context_marks, contexts_of
from tom.reporting.figure_style import (
    COLOURS,
    MARKERS,
    add_note,
    in_rows,
    letter_panels,
    panel_grid,
    replies_told,
    save_figure,
    use_style,
)
from tom.reporting.tables import read_table
from tom.reporting.wording import cells_told, readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VIEWS = ("fixed", "swapped")
"""Cooperation listed first, and last."""
TICK = 0.1
"""How far the line of a cell goes on, level, beyond the mark of its context's mean; the axis has 1 between VIEWS."""


def rows_of(propensities: pl.DataFrame) -> pl.DataFrame:
    """A row for each split, role and cell: P(cooperate) in each of VIEWS, of models that were asked in both orders.

    Exact propensities where they are known; tuned students averaged over seeds. `replies`: as many as a sampled model
    gave in each order, null where all are exact.
    """
    cells = propensities.filter(pl.col("view").is_in(VIEWS), ~pl.col("pooled"), level="cell")
    cells = cells.with_columns(
        role=roles_of(), shown=pl.coalesce("exact", "rate"),
        replies=pl.when(pl.col("exact").is_null()).then("observations"),
    )  # fmt: skip
    by_order = cells.group_by("split", "role", *CELL, "view", maintain_order=True)
    means = by_order.agg(pl.col("shown").mean(), pl.col("replies").max())
    first, last = (means.filter(view=view).drop("view").rename({"shown": view}) for view in VIEWS)
    both = first.join(last.drop("replies"), on=["split", "role", *CELL], maintain_order="left")
    return both.drop_nulls(VIEWS)


def plot_order_bias(rows: pl.DataFrame) -> "Figure":
    """A panel for each split: for each model a thin line for each cell, and a thick one for the mean of each context.

    A mean over all contexts would be the propensity of none.
    """
    from matplotlib.lines import Line2D

    roles = [name for name in MARKERS if name in rows["role"]]
    groups = contexts_of(rows)
    marks = context_marks(groups)
    splits = in_rows(rows["split"].unique(maintain_order=True).to_list())
    figure, panels = panel_grid(splits, 12 + 44 * len(splits))
    for axes, split in panels:
        for name in roles:
            own = rows.filter(split=split, role=name)
            # Many cells are a band, few are lines. All reach past the means' ends, where nothing lies over them.
            thin = {"color": COLOURS[name], "linewidth": 0.5, "alpha": max(0.1, min(0.9, 20 / (own.height + 1)))}
            axes.plot([0, 1], own.select(VIEWS).to_numpy().T, **thin)
            for place, view in enumerate(VIEWS):
                ends = sorted([place, place + TICK * (2 * place - 1)])
                axes.hlines(own[view], *ends, **thin)
            for context, *mean in own.group_by("context", maintain_order=True).agg(pl.mean(*VIEWS)).rows():
                thick = {"linewidth": 1.1, "marker": marks[context].marker, "markeredgecolor": "white"}
                axes.plot([0, 1], mean, color=COLOURS[name], markeredgewidth=0.3, markersize=4, **thick)
        axes.set(xlim=(-0.2, 1.2), ylim=(-0.02, 1.02), yticks=[0, 0.5, 1], title=readable(split), ylabel="P(cooperate)")
        axes.set_xticks([0, 1], ["first", "last"])
        axes.set_xlabel("where cooperation is listed")
        axes.label_outer()
    lines = [Line2D([], [], color=COLOURS[name], linewidth=1.3, label=name) for name in roles]
    figure.legend(handles=lines, loc="outside upper center", ncols=len(lines))
    add_context_legend(figure, groups, "0.3")
    letter_panels(figure.axes)
    cells = [(split, rows.filter(split=split).unique(CELL).height) for _, split in panels]
    sampled = rows.drop_nulls("replies")
    rates = f"rates of {replies_told(sampled, 'per cell and order')}" if sampled.height else ""
    exact = [name for name in roles if rows.filter(pl.col("replies").is_null(), role=name).height]
    how = "; ".join([*([f"exact ({', '.join(exact)})"] if exact else []), *([rates] if rates else [])])
    lines = "Thin lines: cells, drawn past the marks. Thick lines: means of contexts."
    add_note(figure, f"{lines} n = {cells_told(cells)}. Propensities: {how}.")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--propensities", nargs="+", required=True, help="of every split")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    save_figure(plot_order_bias(rows_of(read_table(*arguments.propensities))), arguments.output)


if __name__ == "__main__":
    run_main(main)
