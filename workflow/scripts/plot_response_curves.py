"""Plot how often each model cooperates in a game against the scale and the shift of its payoffs.

python workflow/scripts/plot_response_curves.py --table T.parquet --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import UserError, run_main
from tom.reporting.figure_style import COLOURS, MARKERS, save_figure, use_style
from tom.reporting.tables import read_table
from tom.reporting.wording import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VARIED = {"scale": ("payoffs multiplied by", {"shift": 0.0}), "shift": ("payoffs shifted by", {"scale": 1.0})}
"""What varies along a curve → (label of its axis, what is fixed at the original payoffs)."""


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
    for who, marker in MARKERS.items():
        points = rows.filter(role=who).sort(name)
        style = {"color": COLOURS[who], "marker": marker}
        axes.vlines(points[name], points["low"], points["high"], color=COLOURS[who], linewidth=1.3)
        axes.plot(points[name], points["rate"], "-", markersize=4.5, linewidth=1.2, label=who, **style)
        exact = points.drop_nulls("exact")
        axes.plot(exact[name], exact["exact"], linestyle="none", markersize=8, fillstyle="none", **style)
    values = rows[name].unique().sort().to_list()
    if name == "scale":
        axes.set_xscale("log")
    else:
        axes.set_xscale("symlog", linthresh=1)
    axes.set_xticks(values, [f"{value:g}".replace("-", "−") for value in values], rotation=45)
    axes.xaxis.minorticks_off()
    axes.set(ylim=(-0.03, 1.03), yticks=[0, 0.25, 0.5, 0.75, 1])


def plot_response_curves(table: pl.DataFrame) -> "Figure":
    """A column for each game; scales above, shifts below."""
    import matplotlib.pyplot as plt

    games, names = table["game"].unique().sort().to_list(), varied(table)
    figure, grid = plt.subplots(
        len(names), len(games), sharey=True, squeeze=False,
        figsize=(0.8 + 2.2 * len(games), 0.7 + 2.3 * len(names)), layout="constrained",
    )  # fmt: skip
    for name, row in zip(names, grid, strict=True):
        label, held = VARIED[name]
        for game, axes in zip(games, row, strict=True):
            plot_curve(axes, table.filter(game=game, **held), name)
            axes.set(title=readable(game), xlabel=label)
    figure.supylabel("propensity to cooperate", fontsize="medium")
    roles = [who for who in MARKERS if who in table["role"]]
    handles = dict(zip(*reversed(grid[0, 0].get_legend_handles_labels()), strict=True))
    figure.legend([handles[who] for who in roles], roles, loc="outside upper center", ncols=len(roles))
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
