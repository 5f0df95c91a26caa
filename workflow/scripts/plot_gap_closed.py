"""Plot the share of the gap to the teacher that tuned students close, beside baselines, noise ceiling and the paper.

The paper's student stands where teacher and cells are the paper's alone: elsewhere its share is of another gap.

python workflow/scripts/plot_gap_closed.py --alignment A.parquet ... --propensities P.parquet ... \
    --published resources/paper/observed_choices.csv --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.paper.published_choices import teacher_is_published
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
from tom.reporting.tables import read_table
from tom.reporting.wording import cells_told, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER = "paper_tuned"
PREDICTORS = {
    "noise_ceiling": (BASELINES["noise_ceiling"].label, "baseline", BASELINES["noise_ceiling"].marker),
    "tuned": ("tuned student", "tuned", "o"),
    **{name: (style.label, "baseline", style.marker) for name, style in BASELINES.items() if name != "noise_ceiling"},
    PAPER: ("paper's student,\nfrom the paper's base", "paper", "P"),
}
"""Predictor → (label, colour, marker), from top to bottom."""

APART = 1.1
"""By how many lines the paper's student stands lower than it would among the others."""
PAPER_NOTE = " Below the dashes: the paper's student, sampled. Its 0 is the paper's own base, so its gap is another."
VIEW_TITLES = {"both": "both option orders", "fixed": "paper's order", "swapped": "swapped order"}


def rows_of(alignment: pl.DataFrame, papers: list[str]) -> pl.DataFrame:
    """The rows of PREDICTORS: exact where there is such a row, else sampled, as for the paper's student.

    papers: the splits whose teacher and cells are the paper's.
    """
    other = (pl.col("predictor") == PAPER) & ~pl.col("split").is_in(papers)
    shown = alignment.filter(pl.col("predictor").is_in(list(PREDICTORS)), ~other)
    keys = ["split", "view", "predictor"]
    # "exact" sorts before "sampled".
    return shown.sort("measure").unique(keys, keep="first", maintain_order=True)


def plot_panel(axes: "Axes", rows: pl.DataFrame, predictors: list[str]) -> None:
    """One split in one view: a line for each of some predictors, with its interval if it has one, the paper's apart."""
    heights = heights_of(predictors)
    for predictor, height in heights.items():
        _, colour, marker = PREDICTORS[predictor]
        for row in rows.filter(predictor=predictor).iter_rows(named=True):
            draw_closed(axes, row, height, COLOURS[colour], marker)
    if PAPER in heights and len(heights) > 1:
        axes.axhline(heights[PAPER] - (1 + APART) / 2, color="0.5", linewidth=0.6, linestyle=(0, (4, 3)))
    axes.set_ylim(max(heights.values()) + 0.6, -0.5)


def heights_of(predictors: list[str]) -> dict[str, float]:
    """Where each predictor has its line, from the top; the paper's student lies apart, since its gap is another."""
    return {name: height + APART * (name == PAPER and height > 0) for height, name in enumerate(predictors)}


def plot_gap_closed(rows: pl.DataFrame) -> "Figure":
    """A panel for each split and view: both orders first, then the paper's. The swapped one only where it is alone."""
    rows = rows.drop_nulls("gap_closed")
    found = rows["view"].unique()
    views = [view for view in ("both", "fixed") if view in found] or ["swapped"]
    rows = rows.filter(pl.col("view").is_in(views))
    splits = in_rows(rows["split"].unique(maintain_order=True).to_list())
    lines = [[(split, view) for split in names] for names in splits for view in views]
    # The paper's student was asked in one order, and has no line in the view of both.
    predictors = {view: [name for name in PREDICTORS if name in rows.filter(view=view)["predictor"]] for view in views}
    heights = [max(heights_of(predictors[line[0][1]]).values()) + 1.1 for line in lines]
    figure, panels = panel_grid(
        lines, 11 + sum(7 + 4.4 * height for height in heights), sharey="row", height_ratios=heights
    )
    for axes, (split, view) in panels:
        set_closed_axis(axes, rows)
        plot_panel(axes, rows.filter(split=split, view=view), predictors[view])
        axes.set(title=readable(split), ylabel=VIEW_TITLES[view])
        places = heights_of(predictors[view])
        axes.set_yticks([*places.values()], [PREDICTORS[name][0] for name in places])
        axes.label_outer()
    letter_panels(figure.axes)
    cells = rows.unique("split", maintain_order=True).select("split", "cells").rows()
    add_note(
        figure,
        f"n = {cells_told(cells)}. Training seeds:"
        f" {number_of(rows['seeds'].drop_nulls())}. Bars: {rows['confidence'][0]:.0%} intervals, parametric bootstrap."
        " 0: the base student; 100: the teacher." + PAPER_NOTE * (PAPER in rows["predictor"]),
    )
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alignment", nargs="+", required=True, help="of every split")
    parser.add_argument("--propensities", nargs="+", required=True, help="of every split")
    parser.add_argument("--published", required=True, help="the paper's counts, CSV")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    alignment, propensities = read_table(*arguments.alignment), read_table(*arguments.propensities)
    splits = alignment["split"].unique(maintain_order=True)
    papers = [split for split in splits if teacher_is_published(propensities, arguments.published, split)]
    use_style()
    save_figure(plot_gap_closed(rows_of(alignment, papers)), arguments.output)


if __name__ == "__main__":
    run_main(main)
