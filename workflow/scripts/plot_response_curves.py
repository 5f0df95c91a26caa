"""Plot how often each model cooperates in a game against the scale and the shift of its payoffs.

python workflow/scripts/plot_response_curves.py --table T.parquet --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import UserError, run_main
from tom.reporting.figure_style import (
    MARKERS,
    OURS,
    add_legend,
    add_note,
    letter_panels,
    measure_entries,
    number_of,
    panel_grid,
    replies_told,
    save_figure,
    use_style,
)
from tom.reporting.tables import read_table
from tom.reporting.wording import counted, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VARIED = {"scale": ("payoffs multiplied by", {"shift": 0.0}), "shift": ("payoffs shifted by", {"scale": 1.0})}
"""What varies along a curve → (label of its axis, what is fixed at the original payoffs)."""
AROUND = {"markersize": 5.5, "fillstyle": "none"}
"""The mark of an exact propensity: round that of the rate, since the two are often equal."""


def varied(table: pl.DataFrame) -> list[str]:
    """The names in VARIED of which some game has several values. Errors: UserError if there are none."""
    found = [
        name
        for name, (_, held) in VARIED.items()
        if (table.filter(**held).group_by("game").agg(pl.col(name).n_unique())[name] > 1).any()
    ]
    if not found:
        raise UserError("table: no game has several scales without a shift, or several shifts without a scale")
    return found


def plot_curve(axes: "Axes", rows: pl.DataFrame, name: str) -> None:
    """A line for each role through its rates, with intervals. Open markers: exact propensities."""
    for who, look in OURS.items():
        points = rows.filter(role=who).sort(name)
        style = look.line()
        axes.vlines(points[name], points["low"], points["high"], color=look.colour, linewidth=0.9)
        axes.plot(points[name], points["rate"], "-", markersize=3, linewidth=0.9, label=who, **style)
        exact = points.drop_nulls("exact")
        axes.plot(exact[name], exact["exact"], linestyle="none", **look.line(**AROUND))
    values = rows[name].unique().sort().to_list()
    if name == "scale":
        axes.set_xscale("log")
    else:
        axes.set_xscale("symlog", linthresh=1)
    axes.set_xticks(values, [f"{value:g}".replace("-", "−") for value in values], rotation=45)
    axes.xaxis.minorticks_off()
    axes.set(ylim=(-0.03, 1.03), yticks=[0, 0.5, 1])


def plot_response_curves(table: pl.DataFrame) -> "Figure":
    """A column for each game; scales above, shifts below."""
    games, names = table["game"].unique().sort().to_list(), varied(table)
    figure, panels = panel_grid(
        [[(name, game) for game in games] for name in names], 16 + 48 * len(names), sharex=False
    )
    for axes, (name, game) in panels:
        label, held = VARIED[name]
        plot_curve(axes, table.filter(game=game, **held), name)
        axes.set(title=readable(game), xlabel=label, ylabel="P(cooperate)" if game == games[0] else "")
    handles = dict(zip(*reversed(panels[0][0].get_legend_handles_labels()), strict=True))
    entries = {who: handles[who] for who in MARKERS if who in table["role"]}
    entries |= measure_entries(OURS, table, ", around it", AROUND)
    add_legend(figure, entries, len(entries))
    letter_panels(figure.axes)
    replies = replies_told(table.rename({"observations": "replies"}), "per point")
    contexts = counted(number_of(table["contexts"]), "context")
    kind = f"{table['confidence'][0]:.0%} Jeffreys intervals"
    add_note(figure, f"n = {replies}, in {contexts}. Bars: {kind}.")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", required=True)
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    save_figure(plot_response_curves(read_table(arguments.table)), arguments.output)


if __name__ == "__main__":
    run_main(main)
