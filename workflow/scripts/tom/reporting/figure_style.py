"""How every figure looks: colours, markers and labels of models and baselines. Its files depend on the data alone."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tom.core.files import atomic_file, log_written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"teacher": "#333333", "base": "#E69F00", "tuned": "#0072B2", "paper": "#CC79A7", "baseline": "#7F7F7F"}
"""Safe for common colour blindness: Okabe and Ito, Color Universal Design (2008)."""

MARKERS = {"teacher": "D", "base": "s", "tuned": "o"}
"""Distinct without colour."""

GAP_CLOSED = "share of the base's gap to the teacher that is closed (%)"
"""Label of the axis on which it stands."""


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
    """Set the look of all figures that follow. Needs no display."""
    import matplotlib as mpl
    import seaborn as sns

    mpl.use("Agg")
    # Type 42 keeps the text of a PDF as text, since journals reject Type 3 fonts. The salt fixes an SVG's identifiers.
    rc = {"pdf.fonttype": 42, "svg.hashsalt": "tom-transfer"}
    rc |= {"axes.titlesize": 11, "axes.labelsize": 10.5, "legend.frameon": False}
    sns.set_theme(style="whitegrid", context="paper", font_scale=1.15, rc=rc)


def save_figure(figure: "Figure", files: list[Path]) -> None:
    """Write a figure in the format of each file's suffix. The same data give the same bytes."""
    for file in files:
        undated = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(file.suffix)
        with atomic_file(file) as temporary:
            figure.savefig(temporary, format=file.suffix[1:], dpi=200, bbox_inches="tight", metadata=undated)
        log_written(file, "figure")
