"""Plot the distance from the teacher, in games that were not taught, over the number of games that were.

python workflow/scripts/plot_breadth.py --tables T.parquet ... --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.reporting.figure_style import (
    COLOURS,
    add_note,
    in_rows,
    letter_panels,
    panel_grid,
    save_figure,
    use_style,
)
from tom.reporting.tables import read_table
from tom.reporting.wording import PAYOFF_MODEL_NAMES, cells_told, listed, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PREDICTORS = {
    "constant": ("constant", ":", "#56B4E9"),
    "own_constant": ("constant fitted to these games", (0, (1, 3)), "#777777"),
    "nearest_game": (PAYOFF_MODEL_NAMES["nearest_game"], "-.", "#009E73"),
    "payoff_network": (PAYOFF_MODEL_NAMES["payoff_network"], "--", "#882255"),
    "payoff_regression": (PAYOFF_MODEL_NAMES["payoff_regression"], (0, (5, 1, 1, 1, 1, 1)), "#D55E00"),
}
"""Predictors that need no student → (label, style, colour) of the line. None has the colour of a model."""
ASIDE = 2**0.12
"""By which factor of games the marks of other ways of asking stand aside, so that no two hide each other."""
OTHER_MARKERS = "x+1234"
"""Of other labels, in turn, so that a column's can be told apart."""
EMPTY = 0.03
"""Share of the axis that lies below 0, so that what is next to 0 does not lie on the frame."""
MOST_NAMED = 2
"""Families in a title; of more, the split's name has to do."""
COLUMNS = 2
"""Panels in a row, with room beside them for the legend."""


def plot_split(axes: "Axes", table: pl.DataFrame) -> None:
    """One split: students as taught and with other labels, and predictors that need no student."""
    plain = table.filter(labels="letters", exchanged=False)
    for predictor, (label, style, colour) in PREDICTORS.items():
        rows = plain.filter(predictor=predictor).sort("games")
        look = {"linestyle": style, "color": colour, "linewidth": 1.1, "label": label}
        if rows.height == 1:  # a line through one point can't be seen
            axes.axhline(rows["gap"][0], **look)
        else:
            axes.plot(rows["games"], rows["gap"], **look)
    tuned = table.filter(predictor="tuned").sort("games")
    asked = tuned.select("labels", "exchanged").unique(maintain_order=True).sort("exchanged", "labels").rows()
    others = sorted({labels for labels, _ in asked} - {"letters"})
    for labels, exchanged in asked:
        rows = tuned.filter(labels=labels, exchanged=exchanged)
        if (labels, exchanged) == ("letters", False):
            axes.plot(rows["games"], rows["gap"], "-o", color=COLOURS["tuned"], markersize=3, label="student", zorder=3)
            axes.vlines(rows["games"], rows["low"], rows["high"], color=COLOURS["tuned"], linewidth=1)
        elif labels == "letters":
            axes.plot(rows["games"] / ASIDE, rows["gap"], "o", mfc="white", color=COLOURS["tuned"], markersize=3,
                      label="student, C and D exchanged", zorder=4)  # fmt: skip
        elif not exchanged:
            place = others.index(labels)
            look = {"marker": OTHER_MARKERS[place % len(OTHER_MARKERS)], "markersize": 4, "linestyle": "none"}
            axes.plot(rows["games"] * ASIDE ** (1 + place), rows["gap"], color=COLOURS["tuned"], **look, zorder=4,
                      label=f"student, {readable(labels).lower()}")  # fmt: skip
    (base,) = table.filter(predictor="base", labels="letters", exchanged=False)["gap"]
    axes.axhline(base, color=COLOURS["base"], linewidth=1, label="base student")
    for (gap,) in table.filter(predictor="noise_ceiling").select("gap").iter_rows():
        axes.axhline(gap, color="black", linewidth=0.8, linestyle=(0, (1, 2)), label="sampling noise")
    axes.set_xscale("log", base=2)
    ticks = tuned["games"].unique().sort().to_list()
    axes.set_xticks(ticks, list(map(str, ticks)))
    axes.minorticks_off()
    axes.set_title(title_of(table))


def title_of(table: pl.DataFrame) -> str:
    """`Unseen family: prisoner's dilemma`: a split, and the families of its games where none of them was taught."""
    families = [readable(name).lower() for name in (table["left_out"][0] or "").split()]
    split = readable(table["split"][0])
    return f"{split}: {listed(families)}" if 0 < len(families) <= MOST_NAMED else split


def plot_breadth(tables: list[pl.DataFrame]) -> "Figure":
    """A panel for each split, and one legend beside them: first what is a student, then what needs none."""
    rows = in_rows(list(range(len(tables))), COLUMNS)
    figure, panels = panel_grid(rows, 20 + 48 * len(rows), sharex=False)
    for axes, number in panels:
        plot_split(axes, tables[number])
        axes.set(xlabel="games taught", ylabel="mean |P(student) − P(teacher)|")
        axes.label_outer()
    # Level lines do not count for matplotlib's own limits, and would lie outside of them.
    shown = pl.concat(table.filter(pl.col("predictor") != "chance").select("gap", "high") for table in tables)
    first, _ = panels[0]
    top = 1.05 * max(shown["gap"].max(), shown["high"].max() or 0)
    first.set_ylim(-EMPTY * top, top)
    labelled = dict(zip(*reversed(first.get_legend_handles_labels()), strict=True))
    without = [label for label, *_ in PREDICTORS.values()]
    order = ["student", *(label for label in labelled if label not in ("student", *without)), *without]
    figure.legend(
        [labelled[label] for label in order], order, loc="outside right upper", handlelength=3.2, labelspacing=0.9
    )
    letter_panels(figure.axes)
    cells = cells_told((table["split"][0], table["cells"][0]) for table in tables)
    bars = f"Bars: {tables[0]['confidence'][0]:.0%} intervals over games."
    add_note(figure, f"n = {cells}. {bars} Marks beside a number of games belong to it.")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", required=True, help="one for each split")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    save_figure(plot_breadth([read_table(file) for file in arguments.tables]), arguments.output)


if __name__ == "__main__":
    run_main(main)
