"""Plot the share of the gap that the students of several experiments close, split by split.

python workflow/scripts/plot_experiments.py --table T.parquet --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.evaluation.propensities import headline_view_of
from tom.reporting.figure_style import (
    BASELINES,
    COLOURS,
    add_note,
    draw_closed,
    in_rows,
    letter_panels,
    number_of,
    panel_grid,
    save_figure,
    set_closed_axis,
    use_style,
)
from tom.reporting.findings import headline_measure
from tom.reporting.tables import read_table
from tom.reporting.wording import counted, readable

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
    for row in rows.iter_rows(named=True):
        tuned = row["predictor"] == "tuned"
        look = {"label": "tuned student"} if tuned else {"label": BASELINES["nearest"].label, "mfc": "none"}
        colour, marker = ("tuned", "o") if tuned else ("baseline", "s")
        height = experiments.index(row["experiment"]) + (-0.15 if tuned else 0.15)
        draw_closed(axes, row, height, COLOURS[colour], marker, **look)
    axes.set_ylim(len(experiments) - 0.5, -0.5)


def label_of(experiment: str, student: str, students: list[str]) -> str:
    """An experiment's line: its name, and its student's where that is no other's. students: of all experiments."""
    return f"{experiment}: {student}" if len(set(students)) == len(students) > 1 else experiment


def whose(names: pl.DataFrame, role: str) -> str:
    """Whose answers the lines are: `Teacher: A.`, or `Teachers: A (one, two); B (three).`

    names: a row for each experiment. role: `teacher` or `student`.
    """
    owned = names.group_by(role, maintain_order=True).agg("experiment").rows()
    if len(owned) == 1:
        return f"{role.capitalize()}: {owned[0][0]}."
    return f"{role.capitalize()}s: " + "; ".join(f"{name} ({', '.join(found)})" for name, found in owned) + "."


def plot_experiments(rows: pl.DataFrame) -> "Figure":
    """A column for each split, with one legend. What lines or panels share is said once, below the figure."""
    splits, experiments = (rows[name].unique(maintain_order=True).to_list() for name in ("split", "experiment"))
    names = rows.unique("experiment", maintain_order=True).select("experiment", "teacher", "student")
    students = names["student"].to_list()
    labels = [label_of(*named, students) for named in names.select("experiment", "student").rows()]
    lines = in_rows(splits, 3)
    figure, panels = panel_grid(lines, 16 + (9 + 5 * len(experiments)) * len(lines))
    for axes, split in panels:
        set_closed_axis(axes, rows)
        plot_panel(axes, rows.filter(split=split), experiments)
        axes.set_title(readable(split))
        axes.set_yticks(range(len(labels)), labels)
        axes.label_outer()
        if not axes.get_subplotspec().is_first_col():
            axes.set_xlabel("")
    found = dict(zip(*reversed(figure.axes[0].get_legend_handles_labels()), strict=True))
    figure.legend(found.values(), found.keys(), loc="outside upper center", ncols=2)
    letter_panels(figure.axes)
    told = [whose(names, "teacher"), *([whose(names, "student")] if labels == experiments else [])]
    cells = counted(number_of(rows["cells"]), "cell")
    add_note(figure, f"{' '.join(told)} n = {cells} per split. Bars: {rows['confidence'][0]:.0%} bootstrap intervals.")
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
