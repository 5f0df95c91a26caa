"""Plot the share of the gap that the students of several experiments close, split by split.

python workflow/scripts/plot_experiments.py --table T.parquet --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.evaluation.propensities import headline_view_of
from tom.reporting.figure_style import BASELINES, COLOURS, GAP_CLOSED, save_figure, use_style
from tom.reporting.findings import headline_measure
from tom.reporting.tables import read_table
from tom.reporting.wording import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def rows_of(table: pl.DataFrame) -> pl.DataFrame:
    """The tuned students and their nearest cell, in the measure and view that each experiment is judged by."""
    shown = []
    for experiment in table["experiment"].unique(maintain_order=True):
        own = headline_measure(table.filter(experiment=experiment))
        shown.append(own.filter(pl.col("predictor").is_in(["tuned", "nearest"]), view=headline_view_of(own)))
    return pl.concat(shown)


def plot_panel(axes: "Axes", rows: pl.DataFrame, experiments: list[str]) -> None:
    """One split: a line for each experiment."""
    axes.axvline(0, color="0.4", linewidth=1)
    nearest = BASELINES["nearest"]
    for row in rows.filter(pl.col("gap_closed").is_not_null()).iter_rows(named=True):
        height = experiments.index(row["experiment"])
        if row["predictor"] == "nearest":
            look = {"color": COLOURS["baseline"], "marker": "s", "mfc": "none", "label": nearest.label}
        else:
            look = {"color": COLOURS["tuned"], "marker": "o", "label": "tuned student"}
            if row["low"] is not None:
                axes.hlines(height, row["low"], row["high"], color=COLOURS["tuned"], linewidth=1.3)
        axes.plot(row["gap_closed"], height, linestyle="none", markersize=5, **look)
    axes.grid(False, axis="y")
    axes.set_ylim(len(experiments) - 0.5, -0.5)


def plot_experiments(rows: pl.DataFrame) -> "Figure":
    """A column for each split, with one legend."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    splits, experiments = (rows[name].unique(maintain_order=True).to_list() for name in ("split", "experiment"))
    figure, (panels,) = plt.subplots(
        1, len(splits), sharex=True, sharey=True, squeeze=False, layout="constrained",
        figsize=(2.4 + 2.2 * len(splits), 1.3 + 0.34 * len(experiments)),
    )  # fmt: skip
    for axes, split in zip(panels, splits, strict=True):
        plot_panel(axes, rows.filter(split=split), experiments)
        axes.set_title(readable(split))
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=None))
    names = rows.unique("experiment", maintain_order=True).select("experiment", "student").rows()
    panels[0].set_yticks(range(len(names)), [f"{experiment}: {student}" for experiment, student in names])
    figure.supxlabel(GAP_CLOSED, fontsize="medium")
    found = dict(zip(*reversed(panels[0].get_legend_handles_labels()), strict=True))
    figure.legend(found.values(), found.keys(), loc="outside upper center", ncols=2)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    save_figure(plot_experiments(rows_of(read_table(arguments.table))), arguments.output)


if __name__ == "__main__":
    run_main(main)
