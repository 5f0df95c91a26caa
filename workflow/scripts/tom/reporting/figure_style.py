"""How every figure looks: colours and markers of the models, and files that depend on the data alone."""

from pathlib import Path
from typing import TYPE_CHECKING

from tom.core.files import atomic_file, log_written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"teacher": "#333333", "base": "#E69F00", "tuned": "#0072B2", "paper": "#CC79A7", "baseline": "#7F7F7F"}
"""Told apart with every common colour blindness: Okabe and Ito, Color Universal Design (2008)."""

MARKERS = {"teacher": "D", "base": "s", "tuned": "o"}
"""Told apart without colour."""


def use_style() -> None:
    """Set the look of all figures that follow; no display is needed."""
    import matplotlib as mpl
    import seaborn as sns

    mpl.use("Agg")
    # Type 42 keeps a PDF's text as text: journals reject Type 3 fonts. Without a salt an SVG's identifiers are random.
    rc = {"pdf.fonttype": 42, "svg.hashsalt": "tom-transfer"}
    rc |= {"axes.titlesize": 11, "axes.labelsize": 10.5, "legend.frameon": False}
    sns.set_theme(style="whitegrid", context="paper", font_scale=1.15, rc=rc)


def save_figure(figure: "Figure", files: list[Path]) -> None:
    """Write a figure in the format of each file's suffix; the same data give the same bytes."""
    for file in files:
        undated = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(file.suffix)
        with atomic_file(file) as temporary:
            figure.savefig(temporary, format=file.suffix[1:], dpi=200, bbox_inches="tight", metadata=undated)
        log_written(file, "figure")
