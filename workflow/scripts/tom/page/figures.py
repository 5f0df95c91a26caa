"""Figures for the page: SVG inside the file, with a caption and a text for those who can't see it."""

import base64
import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tom.core.errors import UserError
from tom.core.frames import roles_of
from tom.reporting.findings import headline_measure
from tom.reporting.main_result import VIEW_NAMES
from tom.reporting.wording import counted, minus_signs, readable

SCALE = 4 / 3 * 1.35
"""CSS pixels for a point of print: a third more than its own size, since screens are read from farther away."""
DETAILS = "Every number stands in the tables of this page."


def read_text(file: Path, what: str) -> str:
    """The text of a file. Errors: UserError says that there is no such `what`."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: no such {what} ({type(error).__name__})") from None


@dataclass(frozen=True)
class Figure:
    """A figure. source: the image as a data URI. alternative: a text for those who can't see it. file: its SVG.

    note: what stands below the panels otherwise, of a figure that was drawn without it.
    width: on a wide screen, in CSS pixels; None where the file says none.
    """

    title: str
    source: str
    alternative: str
    caption: str
    file: str
    width: int | None
    note: str = ""


def figure(file: Path, title: str, alternative: str, caption: str) -> Figure:
    """An SVG as an image and not as markup, since identifiers of several figures would clash. Errors: UserError.

    Its note is the text beside it, if there is one.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: no such figure ({type(error).__name__})") from None
    points = re.search(rb'<svg[^>]* width="([\d.]+)pt"', content)
    width = round(float(points[1]) * SCALE) if points else None
    source = f"data:image/svg+xml;base64,{base64.b64encode(content).decode()}"
    beside = file.with_suffix(".txt")
    note = read_text(beside, "caption").strip() if beside.exists() else ""
    return Figure(title, source, alternative, caption, str(file), width, note)


def read_caption(folder: Path, name: str) -> str:
    """A caption of Snakemake's report as one paragraph."""
    return " ".join(read_text(folder / f"{name}.rst", "caption").split())


def describe_propensities(propensities: pl.DataFrame, split: str, view: str, whose: str = "") -> str:
    """Means over the cells of a split, model by model."""
    cells = propensities.filter(split=split, level="cell", view=view)
    roles = cells.group_by(roles_of().alias("role"), maintain_order=True)
    told = means_told(roles.agg(pl.coalesce("exact", "rate").mean()))
    games, contexts = (counted(cells[name].n_unique(), name) for name in ("game", "context"))
    return (
        f"Points with intervals for {whose}teacher, base and tuned student in {games} and {contexts} of "
        f"{readable(split)}. Mean propensity to cooperate: {told}. {DETAILS}"
    )


def describe_order_bias(propensities: pl.DataFrame) -> str:
    """Means over all cells in each option order, of the models that were asked in both."""
    asked = propensities.filter(~pl.col("pooled"), level="cell").with_columns(role=roles_of())
    told = [
        f"{order}: {means_told(asked.filter(view=view).group_by('role').agg(pl.coalesce('exact', 'rate').mean()))}"
        for order, view in (("listed first", "fixed"), ("listed last", "swapped"))
    ]
    words = "; ".join(told)
    return f"Lines from cooperation listed first to listed last. Mean propensity to cooperate, {words}. {DETAILS}"


def describe_numbers(means: pl.DataFrame, split: str) -> str:
    """Mean numbers over the cells of a split of games in which a number is named, model by model."""
    told = means_told(means.filter(split=split).group_by(roles_of().alias("role")).agg(pl.col("mean").mean()))
    return (
        "Bars of the mean numbers with intervals, and below them how often each number is named. "
        f"Mean number: {told}. {DETAILS}"
    )


def means_told(by_role: pl.DataFrame) -> str:
    """`base 0.45, teacher 0.46`. by_role: a column of roles, then one of their means."""
    return ", ".join(f"{name} {mean:.2f}" for name, mean in sorted(by_role.rows()) if mean is not None)


def describe_gap_closed(alignment: pl.DataFrame) -> str:
    """The share that the tuned student and chance close, split by split and view by view."""
    shown = headline_measure(alignment)
    told = []
    for row in shown.filter(predictor="tuned").iter_rows(named=True):
        chance = shown.filter(split=row["split"], view=row["view"], predictor="chance")["gap_closed"].item()
        if row["gap_closed"] is not None and row["view"] in ("both", "fixed"):
            order = f"order {VIEW_NAMES[row['view']]}"
            told.append(f"{readable(row['split'])}, {order}: tuned {row['gap_closed']:.0%}, chance {chance:.0%}")
    return minus_signs(f"Share of the gap closed. {'; '.join(told)}.")
