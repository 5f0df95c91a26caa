"""Plot the share of the gap to the teacher that tuned students close, beside baselines, noise ceiling and the paper.

The paper's student stands where teacher and cells are the paper's alone, in panels of its own: its gap is another.

python workflow/scripts/plot_gap_closed.py --alignment A.parquet ... --propensities P.parquet ... \
    --published resources/paper/observed_choices.csv --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.evaluation.improvement import published_chance
from tom.paper.published_choices import read_published_split, teacher_is_published
from tom.reporting.figure_style import (
    BASELINES,
    COLOURS,
    GAP_CLOSED,
    PAPERS,
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

PAPER, PAPER_CHANCE = "paper_tuned", "paper_chance"
PREDICTORS = {
    "noise_ceiling": (BASELINES["noise_ceiling"].label, "baseline", BASELINES["noise_ceiling"].marker),
    "tuned": ("tuned student", "tuned", "o"),
    **{name: (style.label, "baseline", style.marker) for name, style in BASELINES.items() if name != "noise_ceiling"},
    PAPER: ("paper's student", "paper", PAPERS["tuned"].marker),
    PAPER_CHANCE: (BASELINES["chance"].label, "baseline", BASELINES["chance"].marker),
}
"""Predictor → (label, colour, marker), from top to bottom."""

ORDERS = {"both": "both option orders", "fixed": "paper's order", "swapped": "swapped order"}
OF_PAPER = "paper"
"""The row of panels below those of the views: what is measured from the paper's base."""
BASES = {False: "this run's base", True: "the paper's base"}
"""Is it the paper's row → what 0 is."""
NAMES_PAD = 14
"""Points from the axis to the names of its ends, below the numbers."""


def rows_of(alignment: pl.DataFrame, papers: list[str]) -> pl.DataFrame:
    """The rows of PREDICTORS: exact where there is such a row, else sampled, as for the paper's student.

    papers: the splits whose teacher and cells are the paper's.
    """
    other = (pl.col("predictor") == PAPER) & ~pl.col("split").is_in(papers)
    shown = alignment.filter(pl.col("predictor").is_in(list(PREDICTORS)), ~other)
    keys = ["split", "view", "predictor"]
    # "exact" sorts before "sampled".
    return shown.sort("measure").unique(keys, keep="first", maintain_order=True)


def with_paper_chance(rows: pl.DataFrame, published: str | Path) -> pl.DataFrame:
    """The rows, and what chance closes of the paper's gap in each split that has the paper's student; no interval."""
    splits = rows.filter(predictor=PAPER)["split"].unique(maintain_order=True)
    row = {"view": "fixed", "predictor": PAPER_CHANCE}
    shares = [published_chance(read_published_split(published, split)) for split in splits]
    chance = [row | {"split": split, "gap_closed": share} for split, share in zip(splits, shares, strict=True)]
    return pl.concat([rows, pl.DataFrame(chance)], how="diagonal") if chance else rows


def in_bands(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their `band`, the row of panels: both orders, then the paper's, then what is the paper's own.

    The swapped order has one only where it is alone.
    """
    papers = pl.col("predictor").is_in([PAPER, PAPER_CHANCE])
    found = rows.filter(~papers)["view"].unique()
    views = [view for view in ("both", "fixed") if view in found] or ["swapped"]
    rows = rows.filter(pl.col("view").is_in(views) | papers)
    return rows.with_columns(band=pl.when(papers).then(pl.lit(OF_PAPER)).otherwise("view"))


def plot_panel(axes: "Axes", rows: pl.DataFrame, predictors: list[str]) -> None:
    """One split in one band: a line for each of some predictors, with its interval if it has one."""
    for height, predictor in enumerate(predictors):
        _, colour, marker = PREDICTORS[predictor]
        for row in rows.filter(predictor=predictor).iter_rows(named=True):
            draw_closed(axes, row, height, COLOURS[colour], marker)
    axes.set_yticks(range(len(predictors)), [PREDICTORS[name][0] for name in predictors])
    axes.set_ylim(len(predictors) - 0.4, -0.5)


def set_share_axis(axes: "Axes", rows: pl.DataFrame, of_paper: bool, shown: bool) -> None:
    """The axis of shares, from all of `rows`; below 0 and 100 stands what they are. shown: with numbers and a label."""
    set_closed_axis(axes, rows)
    left, right = axes.get_xlim()
    at = [place for place in (-1, -0.5, 0, 0.5, 1) if left <= place <= right]
    axes.set_xticks(at, [f"{place * 100:.0f}".replace("-", "−") for place in at])
    # Minor ticks have a row of their own: a label of two lines would stand lower than its neighbours.
    axes.xaxis.remove_overlapping_locs = False
    axes.set_xticks([0, 1], [BASES[of_paper], "teacher"], minor=True)
    axes.tick_params(axis="x", which="minor", length=0, pad=NAMES_PAD)
    axes.tick_params(axis="x", which="both", labelbottom=shown)
    axes.set_xlabel(GAP_CLOSED if shown else "")


def plot_gap_closed(rows: pl.DataFrame) -> "Figure":
    """A panel for each split and band; the titles of splits stand above their first one."""
    rows = in_bands(rows.drop_nulls("gap_closed"))
    splits = in_rows(rows["split"].unique(maintain_order=True).to_list())
    bands = [band for band in (*ORDERS, OF_PAPER) if band in rows["band"]]
    lines = [[(split, band) for split in names] for names in splits for band in bands]
    # The paper's student was asked in one order, and has no line in the view of both.
    predictors = {band: [name for name in PREDICTORS if name in rows.filter(band=band)["predictor"]] for band in bands}
    last = {band: band == OF_PAPER or band == [name for name in bands if name != OF_PAPER][-1] for band in bands}
    heights = [len(predictors[line[0][1]]) + 0.1 for line in lines]
    tall = sum(4.4 * height + (16 if last[line[0][1]] else 4) for height, line in zip(heights, lines, strict=True))
    figure, panels = panel_grid(lines, 11 + tall, sharex=False, sharey="row", height_ratios=heights)
    first = None
    for axes, (split, band) in panels:
        own = rows.filter(split=split, band=band)
        if own.is_empty():
            axes.remove()
            continue
        # All panels have one axis, so that 0 and 100 stand below one another.
        set_share_axis(axes, rows, band == OF_PAPER, last[band])
        plot_panel(axes, own, predictors[band])
        # The first panel of each row of them has the labels.
        row = axes.get_subplotspec().rowspan.start
        axes.tick_params(axis="y", labelleft=row != first)
        axes.set(
            title=readable(split) if band == bands[0] else "",
            ylabel="" if row == first else ORDERS.get(band, "the paper"),
        )
        first = row
    figure.align_ylabels()
    letter_panels(figure.axes)
    add_note(figure, note_of(rows))
    return figure


def note_of(rows: pl.DataFrame) -> str:
    """n, seeds and intervals, and why the paper's student stands in panels of its own."""
    counts = rows.drop_nulls("cells").unique("split", maintain_order=True).select("split", "cells").rows()
    confidence = rows["confidence"].drop_nulls()[0]
    told = (
        f"n = {cells_told(counts)}. Training seeds: {number_of(rows['seeds'].drop_nulls())}."
        f" Bars: {confidence:.0%} intervals, parametric bootstrap."
    )
    ceiling = rows.filter(predictor="noise_ceiling")
    if ceiling.height and ceiling["low"].null_count() == ceiling.height:
        told += " Noise ceiling: a mean, without interval."
    if PAPER not in rows["predictor"]:
        return told
    own = " Last row: the paper's student, sampled. It starts from another base: not to be compared with what is above."
    chance = " Chance there: no interval." if PAPER_CHANCE in rows["predictor"] else ""
    return told + own + chance


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
    rows = with_paper_chance(rows_of(alignment, papers), arguments.published)
    save_figure(plot_gap_closed(rows), arguments.output)


if __name__ == "__main__":
    run_main(main)
