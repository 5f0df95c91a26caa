"""Contexts in figures: a colour and a marker for each, and a legend that says which of them were taught."""

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tom.config.study import IN_SAMPLE
from tom.reporting.figure_style import MM
from tom.reporting.wording import readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

COLOURS = ("#332288", "#44AA99", "#882255", "#DDCC77", "#117733", "#88CCEE", "#999933", "#661100")
"""Tol, Colour Schemes (2021): muted, safe for colour blindness. For its rose and purple, which are near the paper's
models in figure_style, it has a brown of Tol's first scheme. No model's colour may name a context."""
MARKERS = "osD^vPXh<>"
MOST = 20
"""More contexts than these have no legend."""
LINE_MM = 4.2
"""Height of a line of the legend, with some room."""


class ContextMark(NamedTuple):
    """How a context looks."""

    colour: str
    marker: str


def contexts_of(table: pl.DataFrame) -> dict[str, list[str]]:
    """Heading → contexts, of a table with `split` and `context`: those of the split in sample, then all others."""
    taught = table.filter(split=IN_SAMPLE)["context"].unique().sort().to_list()
    others = sorted(set(table["context"]) - set(taught))
    named = {"taught": taught, "not taught": others}
    return {heading: found for heading, found in named.items() if found}


def context_marks(groups: dict[str, list[str]]) -> dict[str, ContextMark]:
    """Context → its mark. groups: of `contexts_of`; colours and markers differ among the first eight contexts."""
    contexts = [context for found in groups.values() for context in found]
    return {
        context: ContextMark(COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)])
        for number, context in enumerate(contexts)
    }


def add_context_legend(figure: "Figure", groups: dict[str, list[str]], colour: str | None = None) -> None:
    """The marks at the right of the figure, group by group. colour: of all, where colours mean something else."""
    marks = context_marks(groups)
    if len(marks) > MOST:
        return
    handles = []
    for heading, contexts in groups.items():
        handles.append(_entry(f"{heading}:"))
        handles += [
            _entry(readable(name), color=colour or marks[name].colour, marker=marks[name].marker) for name in contexts
        ]
    columns = -(-len(handles) * LINE_MM * MM // figure.get_figheight())
    figure.legend(handles=handles, loc="outside right center", handlelength=1, borderpad=0, ncols=int(columns))


def _entry(label: str, **look) -> "Line2D":
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="none", label=label, **look)
