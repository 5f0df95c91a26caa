"""Plot the share of the gap to the teacher that tuned students close, beside baselines, noise ceiling and the paper.

python workflow/scripts/plot_gap_closed.py --alignment A.parquet ... --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.reporting.figure_style import BASELINES, COLOURS, GAP_CLOSED, save_figure, use_style
from tom.reporting.tables import read_table
from tom.reporting.wording import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PREDICTORS = {
    "noise_ceiling": (BASELINES["noise_ceiling"].label, "baseline", BASELINES["noise_ceiling"].marker),
    "tuned": ("tuned student", "tuned", "o"),
    "paper_tuned": ("the paper's tuned student", "paper", "P"),
} | {name: (style.label, "baseline", style.marker) for name, style in BASELINES.items() if name != "noise_ceiling"}
"""Predictor → (label, colour, marker), from top to bottom."""

VIEW_TITLES = {"both": "both orders", "fixed": "the paper's order", "swapped": "swapped order"}


def rows_of(alignment: pl.DataFrame) -> pl.DataFrame:
    """The rows of PREDICTORS: exact where there is such a row, else sampled, as for the paper's student."""
    shown = alignment.filter(pl.col("predictor").is_in(list(PREDICTORS)))
    keys = ["split", "view", "predictor"]
    # "exact" sorts before "sampled".
    return shown.sort("measure").unique(keys, keep="first", maintain_order=True)


def plot_panel(axes: "Axes", rows: pl.DataFrame, predictors: list[str]) -> None:
    """One split in one view: a line for each of some predictors, with its interval if it has one."""
    axes.axvline(0, color="0.4", linewidth=1)
    for height, predictor in enumerate(predictors):
        _, colour, marker = PREDICTORS[predictor]
        for row in rows.filter(predictor=predictor).iter_rows(named=True):
            if row["gap_closed"] is None:
                continue
            axes.plot(row["gap_closed"], height, color=COLOURS[colour], marker=marker, markersize=5)
            if row["low"] is not None:
                # Taller than the marker, so that a short interval is visible beside it.
                ends = {"linestyles": "solid", "color": COLOURS[colour], "linewidth": 1.3}
                axes.hlines(height, row["low"], row["high"], **ends)
                axes.vlines([row["low"], row["high"]], height - 0.28, height + 0.28, **ends)
    axes.grid(False, axis="y")
    axes.set_ylim(len(predictors) - 0.5, -0.5)


def plot_gap_closed(rows: pl.DataFrame) -> "Figure":
    """A column for each split, a row for each view but the swapped one (unless it is the only one)."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    splits = rows["split"].unique(maintain_order=True).to_list()
    found = rows["view"].unique()
    views = [view for view in ("both", "fixed") if view in found] or ["swapped"]
    figure, grid = plt.subplots(
        len(views), len(splits), sharex=True, sharey="row", squeeze=False,
        figsize=(2.0 + 2.4 * len(splits), 0.9 + 1.75 * len(views)), layout="constrained",
    )  # fmt: skip
    for axes_row, view in zip(grid, views, strict=True):
        # The paper's student was asked in one order, and has no line in the view of both.
        own = rows.filter(view=view)
        predictors = [name for name in PREDICTORS if name in own["predictor"]]
        for axes, split in zip(axes_row, splits, strict=True):
            plot_panel(axes, own.filter(split=split), predictors)
        axes_row[0].set_yticks(range(len(predictors)), [PREDICTORS[name][0] for name in predictors])
        axes_row[-1].annotate(
            VIEW_TITLES[view], (1.04, 0.5), xycoords="axes fraction", rotation=270, va="center", fontsize="medium"
        )
    for axes, split in zip(grid[0], splits, strict=True):
        axes.set_title(readable(split))
    for axes in grid[-1]:
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 5, 10]))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=None))
    figure.supxlabel(GAP_CLOSED, fontsize="medium")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alignment", nargs="+", required=True, help="of every split")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    save_figure(plot_gap_closed(rows_of(read_table(*arguments.alignment))), arguments.output)


if __name__ == "__main__":
    run_main(main)
