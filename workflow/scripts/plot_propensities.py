"""Plot how often teacher, base and tuned students cooperate, in each game and context of a split.

As figures 2 to 4 of the paper (arXiv 2408.05241), for this run. Of more games than have room for a line each, as in a
game set, the students' propensities over the teacher's.

python workflow/scripts/plot_propensities.py --propensities P.parquet --split in_sample --confidence 0.95 \
    --output F.pdf F.png
"""

import argparse
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.core.frames import roles_of
from tom.core.roles import BASE, TEACHER, role
from tom.evaluation.propensities import BOUNDS, VIEWS, headline_view
from tom.reporting.figure_style import (
    COLOURS,
    EXACT,
    MARKERS,
    OURS,
    ModelLook,
    add_legend,
    add_note,
    in_rows,
    letter_panels,
    measure_entries,
    panel_grid,
    replies_told,
    save_figure,
    use_style,
)
from tom.reporting.findings import ASKED
from tom.reporting.tables import read_table
from tom.reporting.wording import counted, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS_A_ROW = 5
MOST_LINES = 40
"""Games with a line each; more are points over the teacher's propensity."""
APART = 0.5
"""How far below the rate of replies an exact propensity lies, as a share of a model's line."""
BAND = {"linewidth": 4, "alpha": 0.25, "zorder": 1}
"""The band in which the rate would lie, however unreadable replies were counted."""


def cells_of(propensities: pl.DataFrame, split: str, view: str | None = None) -> pl.DataFrame:
    """The cells of a split in a view: its headline view unless one is named."""
    cells = propensities.filter((pl.col("split") == split) & (pl.col("level") == "cell"))
    return cells.filter(pl.col("view") == (view or headline_view(cells["view"].to_list())))


def plot_context(
    axes: "Axes", cells: pl.DataFrame, games: list[str], models: list[str], looks: Mapping[str, ModelLook]
) -> None:
    """One context: a row for each game, with a point and its interval for each model, the first model on top.

    The open mark of its exact propensity, if that is known, lies below.
    """
    for number, model in enumerate(models):
        rows = cells.filter(pl.col("model") == model)
        step = 0.72 / len(models)
        offset = step * (number + 0.5) - 0.36
        heights = [games.index(game) + offset for game in rows["game"]]
        # Beside the rate, since the two often are equal, and one would hide the other.
        below = [height + APART * step for height in heights]
        look = looks[role(model)]
        style = look.line(linestyle="none", markersize=3)
        bounds = rows.with_columns(height=pl.Series(heights)).filter(pl.col("invalid") > 0)
        if len(bounds):
            axes.hlines(bounds["height"], *(bounds[name] for name in BOUNDS), color=look.colour, **BAND)
        axes.hlines(heights, rows["low"], rows["high"], color=look.colour)
        axes.plot(rows["rate"], heights, **style)
        axes.plot(rows["exact"], below, **style, **EXACT)
    # Room for a whole mark at 0, in panels as narrow as five in a row are.
    axes.set(xlim=(-0.06, 1.06), ylim=(len(games) - 0.5, -0.5), xticks=[0, 0.5, 1])
    axes.set_yticks(range(len(games)), [readable(game) for game in games])
    axes.tick_params(axis="y", length=0)
    for edge in range(len(games) - 1):
        axes.axhline(edge + 0.5, color="0.85", linewidth=0.5, zorder=0)


def legend_labels(cells: pl.DataFrame, looks: Mapping[str, ModelLook]) -> dict[str, str]:
    """Role → its label: its name, and the share of its replies that can't be read, if there are any."""
    counts = cells.group_by("role")
    shares = dict(counts.agg(pl.col("invalid").sum() / pl.col("observations").sum()).rows())
    return {
        who: f"{look.name}, {shares[who]:.1%} unreadable" if shares[who] else look.name
        for who, look in looks.items()
        if who in shares
    }


def whose(cells: pl.DataFrame, source: str) -> str:
    """What a figure's note begins with: whose the cells are, of which split, and in which order they were asked."""
    return f"{source}{readable(cells['split'][0])}; students {ASKED[cells['view'][0]]}."


def plot_many_games(cells: pl.DataFrame, source: str = "") -> "Figure":
    """A panel for each context: a point for each game and student, over the teacher's propensity in it.

    Where no teacher answered, tuned students over the base. source: as for `plot_split`.
    """
    import matplotlib.pyplot as plt

    cells = cells.with_columns(shown=pl.coalesce("exact", "rate"), role=roles_of())
    reference = TEACHER if TEACHER in cells["role"].to_list() else BASE
    known = cells.filter(role=reference).select("game", "context", known="shown")
    points = (
        cells.filter(pl.col("role") != reference).join(known, on=["game", "context"]).drop_nulls(["shown", "known"])
    )
    contexts = cells["context"].unique().sort().to_list()
    rows = in_rows(contexts, PANELS_A_ROW)
    figure, panels = panel_grid(rows, 16 + len(rows) * 170 / max(3, len(rows[0])))
    drawn = [name for name in MARKERS if name in points["role"].to_list()]
    for axes, context in panels:
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.6, zorder=1)
        for name in drawn:
            own = points.filter(role=name, context=context)
            axes.scatter(own["known"], own["shown"], color=COLOURS[name], marker=MARKERS[name], s=6, alpha=0.5)
        axes.set(title=readable(context), xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), aspect="equal")
        axes.set(xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
        axes.set(xlabel=f"{reference}: P(first action)", ylabel="student: P(first action)")
        axes.label_outer()
    gaps = points.group_by("role").agg((pl.col("shown") - pl.col("known")).abs().mean())
    labels = {name: f"{name}, {gap:.3f} away on average" for name, gap in gaps.iter_rows()}
    figure.legend(
        handles=[
            plt.Line2D([], [], color=COLOURS[name], marker=MARKERS[name], linestyle="none", label=labels[name])
            for name in drawn
        ],
        loc="outside upper center",
        ncols=len(drawn),
    )
    letter_panels(figure.axes)
    replies = replies_told(cells.rename({"observations": "replies"}), "per cell")
    games = counted(points["game"].n_unique(), "game")
    exact = " Exact propensities where known, else rates of replies." if cells["exact"].is_not_null().any() else ""
    add_note(figure, f"{whose(cells, source)} n = {games} per panel; {replies}.{exact}")
    return figure


def plot_split(
    cells: pl.DataFrame, confidence: float, source: str = "", looks: Mapping[str, ModelLook] = OURS
) -> "Figure":
    """A panel for each context. source: whose cells they are, a sentence; none for those of this run.

    looks: role → how its model looks, in the legend's order.
    """
    if cells["game"].n_unique() > MOST_LINES:
        return plot_many_games(cells, source)
    from matplotlib.lines import Line2D

    contexts = cells["context"].unique().sort().to_list()
    games = cells["game"].unique().sort().to_list()
    models = sorted(cells["model"].unique(), key=lambda model: (list(looks).index(role(model)), model))
    cells = cells.with_columns(role=roles_of())
    rows = in_rows(contexts, PANELS_A_ROW)
    height = 12 + (3 + 3.6 * len(models)) * len(games)
    figure, panels = panel_grid(rows, height * len(rows) + 10, sharex=False)
    for axes, context in panels:
        plot_context(axes, cells.filter(pl.col("context") == context), games, models, looks)
        axes.set(title=readable(context), xlabel="P(cooperate)")
    labels = legend_labels(cells, looks)
    drawn = [(label, Line2D([], [], **looks[who].line(markersize=3))) for who, label in labels.items()]
    marks = [*measure_entries(looks, cells, ", below").items()]
    columns = len(drawn) + len(marks)
    entries = drawn + marks
    if cells["invalid"].sum():
        marks.append(("band: unreadable replies all D to all C", Line2D([], [], color="0.3", **BAND)))
        columns = max(len(drawn), len(marks))
        # Legends fill column by column: this order puts the models above and the marks below.
        entries = [entry for column in zip_longest(drawn, marks) for entry in column if entry]
    add_legend(figure, dict(entries), columns)
    letter_panels(figure.axes)
    replies = replies_told(cells.rename({"observations": "replies"}), "per cell")
    bars = f"Bars: {confidence:.0%} Jeffreys intervals of the rates."
    add_note(figure, f"{whose(cells, source)} n = {replies}. {bars}")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--propensities", required=True)
    parser.add_argument("--split", required=True)
    parser.add_argument("--view", choices=sorted(VIEWS), help="default: both orders, or the only one there is")
    parser.add_argument("--confidence", type=float, required=True, help="of the intervals, e.g. 0.95")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    cells = cells_of(read_table(arguments.propensities), arguments.split, arguments.view)
    save_figure(plot_split(cells, arguments.confidence), arguments.output)


if __name__ == "__main__":
    run_main(main)
