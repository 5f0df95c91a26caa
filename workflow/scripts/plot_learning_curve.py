"""Plot the share of the gap that students close against observations per cell and seconds of training.

python workflow/scripts/plot_learning_curve.py --table T.parquet --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.core.frames import roles_of
from tom.evaluation.propensities import headline_view_of
from tom.reporting.figure_style import (
    BASELINES,
    COLOURS,
    DOUBLE_COLUMN,
    GAP_CLOSED,
    MM,
    add_note,
    letter_panels,
    number_of,
    save_figure,
    use_style,
)
from tom.reporting.tables import read_table
from tom.reporting.wording import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEVELS = ("noise_ceiling", "nearest", "constant")
"""Predictors that need no student, drawn as level lines."""


def rows_of(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of the headline view, exact where there are exact ones, else sampled."""
    shown = table.filter(view=headline_view_of(table))
    # "exact" sorts before "sampled".
    return shown.filter(measure=shown["measure"].min())


def plot_against(axes: "Axes", rows: pl.DataFrame, column: str) -> None:
    """Open circles for each seed's student, filled ones with intervals for the means; a line along the observations."""
    colour = COLOURS["tuned"]
    seeds = rows.filter(pl.col("predictor") != "tuned").drop_nulls([column, "gap_closed"])
    means = rows.filter(predictor="tuned").drop_nulls([column, "gap_closed"]).sort("observations")
    axes.plot(*seeds.select(column, "gap_closed").get_columns(), "o", markersize=3.5, mfc="white", mec=colour)
    line = means.select(column, "gap_closed").get_columns()
    style = "-o" if column == "observations" else "o"
    axes.plot(*line, style, markersize=3.5, color=colour, label="tuned student")
    axes.vlines(*means.select(column, "low", "high").get_columns(), color=colour, linewidth=1)


def plot_learning_curve(rows: pl.DataFrame) -> "Figure":
    """Gap closed against observations (left) and against GPU-seconds or, without a GPU, CPU-seconds (right)."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import NullLocator, PercentFormatter

    figure, axes_row = plt.subplots(1, 2, sharey=True, figsize=(DOUBLE_COLUMN, 70 * MM), layout="constrained")
    students = rows.filter(roles_of("predictor") == "tuned")
    on_gpu = students["gpu_seconds"].null_count() < students.height
    columns = {
        "observations": "observations per cell",
        "gpu_seconds" if on_gpu else "cpu_seconds": f"{'GPU' if on_gpu else 'CPU'}-seconds of training",
    }
    for axes, (column, label) in zip(axes_row, columns.items(), strict=True):
        for row in rows.filter(pl.col("predictor").is_in(LEVELS)).iter_rows(named=True):
            style = BASELINES[row["predictor"]]
            if row["gap_closed"] is not None:
                axes.axhline(
                    row["gap_closed"], color=COLOURS["baseline"], linestyle=style.line, linewidth=0.9, label=style.label
                )
        plot_against(axes, students, column)
        axes.set_xlabel(label)
    first, second = axes_row
    first.set_xscale("log")
    numbers = students["observations"].unique().sort().to_list()
    first.set_xticks(numbers, list(map(str, numbers)))
    first.xaxis.set_minor_locator(NullLocator())
    seconds = list(columns)[1]
    timed = students.filter(predictor="tuned").drop_nulls([seconds, "gap_closed", "low", "high"]).sort(seconds)
    for place, row in enumerate(timed.iter_rows(named=True)):
        # Trainings take much the same time, so the labels of neighbours would overlap.
        end, offset = (("high", 3), ("low", -11))[place % 2]
        second.annotate(
            row["observations"], (row[seconds], row[end]), (0, offset), textcoords="offset points", ha="center",
            fontsize=6,
        )  # fmt: skip
    second.margins(x=0.15)
    first.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=None))
    first.set_ylabel(GAP_CLOSED)
    handles, labels = first.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    letter_panels(figure.axes)
    add_note(
        figure,
        f"n = {counted(number_of(students['cells']), 'cell')}. Filled: mean over training seeds, with its"
        f" {students['confidence'][0]:.0%} bootstrap interval. Open: each seed. Numbers in b: observations per cell.",
    )
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", required=True)
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    save_figure(plot_learning_curve(rows_of(read_table(arguments.table))), arguments.output)


if __name__ == "__main__":
    run_main(main)
