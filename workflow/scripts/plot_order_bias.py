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
from tom.reporting.figure_style import (
    COLOURS,
    MARKERS,
    add_note,
    in_rows,
    letter_panels,
    number_of,
    panel_grid,
    save_figure,
    use_style,
)
from tom.reporting.tables import read_table
from tom.reporting.wording import cells_told, counted, readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VIEWS = ("fixed", "swapped")
"""Cooperation listed first, and last."""
LINE = 0.09
"""Height of a printed number, as a propensity."""


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
    """A panel for each split and model: a thin line for each cell, and a thick one for their mean, which is printed."""
    roles = [name for name in MARKERS if name in rows["role"]]
    splits = in_rows(rows["split"].unique(maintain_order=True).to_list())
    figure, panels = panel_grid(splits, 12 + 44 * len(splits))
    for axes, split in panels:
        means = {}
        for name in roles:
            own = rows.filter(split=split, role=name)
            thin = {"color": COLOURS[name], "linewidth": 0.4, "alpha": max(0.05, min(0.5, 10 / (own.height + 1)))}
            axes.plot([0, 1], own.select(VIEWS).to_numpy().T, **thin)
            mean = own.select(pl.mean(*VIEWS)).row(0)
            axes.plot([0, 1], mean, color=COLOURS[name], marker=MARKERS[name], linewidth=1.8, label=name)
            means[name] = mean
        for end, across, align in ((0, -0.06, "right"), (1, 1.06, "left")):
            height = -1.0
            for name, mean in sorted(means.items(), key=lambda item: item[1][end]):
                height = max(height + LINE, mean[end])  # above the label below it
                axes.annotate(f"{mean[end]:.2f}", (across, height), ha=align, va="center", color=COLOURS[name])
        axes.set(xlim=(-0.4, 1.4), ylim=(-0.02, 1.02), yticks=[0, 0.5, 1], title=readable(split), ylabel="P(cooperate)")
        axes.set_xticks([0, 1], ["cooperation\nlisted first", "cooperation\nlisted last"])
        axes.label_outer()
    found = dict(zip(*reversed(figure.axes[0].get_legend_handles_labels()), strict=True))
    figure.legend(found.values(), found.keys(), loc="outside upper center", ncols=len(found))
    letter_panels(figure.axes)
    cells = [(split, rows.filter(split=split).unique(CELL).height) for _, split in panels]
    sampled = rows["replies"].drop_nulls()
    how = (
        f"rates of {counted(number_of(sampled), 'reply', 'replies')} where no probabilities are known"
        if len(sampled)
        else "exact"
    )
    add_note(figure, f"Thin: single cells. Thick: their mean, n = {cells_told(cells)}. Propensities: {how}.")
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
