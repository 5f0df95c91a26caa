"""How every figure looks: its width in print, colours, markers and labels. Its files depend on the data alone."""

from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from string import ascii_lowercase
from textwrap import fill
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import polars as pl

from tom.core.files import atomic_file, log_written
from tom.reporting.wording import counted, gap_closed, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

T = TypeVar("T")

MM = 1 / 25.4
"""A millimetre in inches, which matplotlib's sizes are in."""

SINGLE_COLUMN, DOUBLE_COLUMN = 89 * MM, 183 * MM
"""Widths of a figure in a journal (Nature's, and near those of most others), in inches."""

NOTE_CHARACTERS = {SINGLE_COLUMN: 78, DOUBLE_COLUMN: 165}
"""Width → characters of a note that fit on one line."""

COLOURS = {
    "teacher": "#333333",
    "base": "#E69F00",
    "tuned": "#0072B2",
    "baseline": "#7F7F7F",
    "paper_base": "#DDA3C3",
    "paper": "#B04A86",
}
"""Safe for common colour blindness: Okabe and Ito, Color Universal Design (2008). The paper's students have a pale
and a dark shade of their purple."""

MARKERS = {"teacher": "D", "base": "s", "tuned": "o"}
"""Distinct without colour."""


class ModelLook(NamedTuple):
    """A model's name in legends, its colour and its marker."""

    name: str
    colour: str
    marker: str

    def line(self, **settings) -> dict:
        """How its mark looks, as settings of a line."""
        return {"color": self.colour, "marker": self.marker} | settings


OURS = {name: ModelLook(name, COLOURS[name], marker) for name, marker in MARKERS.items()}
"""Role → how this run's model looks."""

PAPERS = {
    "teacher": OURS["teacher"],
    "base": ModelLook("paper's base", COLOURS["paper_base"], "s"),
    "tuned": ModelLook("paper's tuned", COLOURS["paper"], "P"),
}
"""Role → how the paper's model looks. Its students are other models than this run's."""

EXACT = {"markerfacecolor": "white", "markeredgewidth": 0.7}
"""The open mark of an exact propensity; a rate of replies has a filled one."""

GAP_CLOSED = "gap closed (%)"
"""Label of the axis on which it stands."""

CLOSED_RANGE = (-1.0, 1.2)
"""The widest axis of gaps closed. What lies outside is an arrow with its number."""


class BaselineStyle(NamedTuple):
    """The label of a baseline, its marker, and the style of its level line."""

    label: str
    marker: str
    line: str | tuple


BASELINES = {
    "chance": BaselineStyle("chance", "s", (0, (1, 3))),
    "constant": BaselineStyle("constant", "s", ":"),
    "offset": BaselineStyle("base + offset", "s", (0, (3, 1, 1, 1))),
    "nearest": BaselineStyle("nearest cell", "s", "-."),
    "noise_ceiling": BaselineStyle("noise ceiling", "^", "--"),
}
"""Predictors without a student (tom/evaluation/baselines.py), and the noise ceiling: what a perfect student reaches."""


def use_style() -> None:
    """Set the look of all figures that follow, in the sizes of print. Needs no display."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcdefaults()  # and nothing of a user's own matplotlibrc
    # The one font that matplotlib brings along: another would change files from one machine to the next.
    fonts = {"font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "mathtext.default": "regular"}
    sizes = {"font.size": 7, "axes.titlesize": 7.5, "figure.labelsize": 7, "legend.fontsize": 7}
    lines = {"axes.linewidth": 0.6, "lines.linewidth": 1, "lines.markersize": 3.5, "hatch.linewidth": 0.6}
    ticks = {
        f"{axis}tick.{name}": value for axis in "xy" for name, value in (("major.width", 0.6), ("major.size", 2.5))
    }
    look = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "axes.axisbelow": True}
    # Type 42 keeps the text of a PDF as text, since journals reject Type 3 fonts. The salt fixes an SVG's identifiers.
    files = {"pdf.fonttype": 42, "svg.hashsalt": "tom-transfer", "savefig.dpi": 300}
    mpl.rcParams.update(fonts | sizes | lines | ticks | look | files)


def save_figure(figure: "Figure", files: list[Path]) -> None:
    """Write a figure in the format of each file's suffix, as wide as it says. The same data give the same bytes.

    With a .txt among the files its note stands there, and not below the figure: journals set captions themselves.
    """
    texts = [file for file in files if file.suffix == ".txt"]
    note = take_note(figure) if texts else ""
    for file in texts:
        with atomic_file(file) as temporary:
            temporary.write_text(f"{note}\n", encoding="utf-8")
        log_written(file, "caption")
    for file in [file for file in files if file not in texts]:
        if not texts:
            # That of an earlier run, which would tell of another figure.
            file.with_suffix(".txt").unlink(missing_ok=True)
        undated = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(file.suffix)
        with atomic_file(file) as temporary:
            figure.savefig(temporary, format=file.suffix[1:], metadata=undated)
        log_written(file, "figure")


def letter_panels(panels: list["Axes"]) -> None:
    """A bold a, b, c, ... and then the panel's title, above its left end; none where a panel is alone, or the 27th."""
    if len(panels) == 1:
        return
    for axes, letter in zip_longest(panels, ascii_lowercase[: len(panels)], fillvalue=""):
        title = axes.get_title()
        axes.set_title("")
        axes.set_title(rf"$\mathbf{{{letter}}}$  {title}" if letter else title, loc="left")


def add_note(figure: "Figure", text: str) -> None:
    """A line below the figure: how many replies or cells there are, and of which kind its intervals are."""
    wrapped = fill(text, NOTE_CHARACTERS[figure.get_figwidth()], break_on_hyphens=False)
    figure.supxlabel(wrapped, x=0.005, ha="left", fontsize=6, color="0.25", linespacing=1.3)


def take_note(figure: "Figure") -> str:
    """Remove a figure's note, and the height that it takes, so that panels keep their size. Returns its text."""
    text = " ".join(figure.get_supxlabel().split())
    if text:
        figure.draw_without_rendering()
        label = next(found for found in figure.texts if found.get_text() == figure.get_supxlabel())
        padding = 2 * figure.get_layout_engine().get()["h_pad"]
        figure.set_figheight(figure.get_figheight() - label.get_window_extent().height / figure.dpi - padding)
        label.remove()
    return text


def number_of(counts: pl.Series) -> str:
    """`300`, or `40 to 300` where counts differ."""
    lowest, highest = counts.min(), counts.max()
    return f"{lowest:,}" if lowest == highest else f"{lowest:,} to {highest:,}"


def replies_told(asked: pl.DataFrame, per: str, names: Mapping[str, str] | None = None) -> str:
    """`300 replies per cell (teacher), 40 (base, tuned)`: how many replies there are, and whose.

    asked: rows with `role` and `replies`. per: `per cell`. names: role → its name, in their order; else the roles'.
    """
    names = names or {name: name for name in MARKERS}
    found: dict[str, list[str]] = {}
    for who in [who for who in names if who in asked["role"]]:
        found.setdefault(number_of(asked.filter(role=who)["replies"]), []).append(names[who])
    (number, whose), *others = found.items()
    told = [f"{counted(number, 'reply', 'replies')} {per} ({', '.join(whose)})"]
    return ", ".join(told + [f"{number} ({', '.join(whose)})" for number, whose in others])


def measure_entries(
    looks: Mapping[str, ModelLook], cells: pl.DataFrame, where: str = "", opened: Mapping = EXACT
) -> dict[str, tuple["Line2D", ...]]:
    """Label → marks of a legend's entries that tell rates of replies from exact propensities, each as it is drawn.

    None where nothing is exact. cells: rows with `role`, `rate` and `exact`. where: the exact ones lie, after `open`.
    opened: how an exact one is drawn.
    """
    from matplotlib.lines import Line2D

    def marks(column: str, **look) -> tuple["Line2D", ...]:
        found = cells.drop_nulls(column)["role"]
        drawn = {"linestyle": "none", "markersize": 3} | look
        return tuple(Line2D([], [], **own.line(**drawn)) for who, own in looks.items() if who in found)

    exact = marks("exact", **opened)
    return {"filled: rate of replies": marks("rate"), f"open{where}: exact propensity": exact} if exact else {}


def add_legend(figure: "Figure", entries: Mapping[str, object], columns: int) -> None:
    """A legend above the panels. entries: label → its mark, or several marks side by side."""
    from matplotlib.legend_handler import HandlerTuple

    side_by_side = {tuple: HandlerTuple(ndivide=None, pad=0.8)}
    where = {"loc": "outside upper center", "ncols": columns}
    figure.legend([*entries.values()], [*entries], handler_map=side_by_side, **where)


def in_rows(names: list[str], most: int = 4) -> list[list[str]]:
    """Names of panels in rows of much the same length, at most `most` in each."""
    rows = -(-len(names) // most)
    columns = -(-len(names) // rows)
    return [names[start : start + columns] for start in range(0, len(names), columns)]


def panel_grid(
    rows: list[list[T]], height: float, width: float = DOUBLE_COLUMN, **settings
) -> tuple["Figure", list[tuple["Axes", T]]]:
    """A figure with a panel for each name, in rows; labels of axes stand at the outer panels alone.

    rows: of `in_rows`, the first of them the longest. height: of the figure, mm. settings: of `plt.subplots`.
    Returns the figure, and each panel with its name.
    """
    import matplotlib.pyplot as plt

    size = {"figsize": (width, height * MM), "layout": "constrained", "squeeze": False}
    figure, grid = plt.subplots(len(rows), len(rows[0]), **size, **{"sharex": True, "sharey": True} | settings)
    for places, names in zip(grid, rows, strict=True):
        for axes in places[len(names) :]:
            axes.remove()
    return figure, [
        (axes, name)
        for places, names in zip(grid, rows, strict=True)
        for axes, name in zip(places, names, strict=False)
    ]


def set_closed_axis(axes: "Axes", rows: pl.DataFrame) -> None:
    """The horizontal axis of shares of the gap closed: from all of `rows`, with 0 and 100 %, within CLOSED_RANGE."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    found = pl.concat([rows[name] for name in ("gap_closed", "low", "high")]).drop_nulls().clip(*CLOSED_RANGE)
    axes.set_xlim(min(0, found.min() or 0) - 0.08, max(1, found.max() or 1) + 0.08)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=None))
    axes.axvline(0, color="0.6", linewidth=0.6, zorder=0)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(GAP_CLOSED)


def draw_closed(axes: "Axes", row: dict, height: float, colour: str, marker: str, **look) -> None:
    """A share of the gap closed with its interval, if it has one. An end off the axis is an arrow with its number."""
    if row["gap_closed"] is None:
        return
    left, right = axes.get_xlim()
    value, low, high = row["gap_closed"], row["low"], row["high"]
    if low is not None:
        bar = {"linestyles": "solid", "color": colour, "linewidth": 1}
        axes.hlines(height, max(low, left), min(high, right), **bar)
        # Taller than the marker, so that a short interval is visible beside it.
        axes.vlines([end for end in (low, high) if left <= end <= right], height - 0.25, height + 0.25, **bar)
    if left <= value <= right:
        axes.plot(value, height, color=colour, marker=marker, linestyle="none", **look)
    ends = [end for end in (value, low, high) if end is not None]
    for end, edge, sign in ((min(ends), left, -1), (max(ends), right, 1)):
        if (end - edge) * sign > 0:
            axes.plot(edge, height, marker="<>"[sign > 0], color=colour, clip_on=False)
            number = gap_closed(row) if (value - edge) * sign > 0 and low is not None else percent(end)
            axes.annotate(
                number.replace("-", "−"), (edge, height), (-5 * sign, 1.5), textcoords="offset points", fontsize=6,
                ha="left" if sign < 0 else "right", va="bottom", color=colour,
            )  # fmt: skip
