"""Plot the transfer matrix as a heat map: what the training left out against where its student is measured.

python workflow/scripts/plot_transfer_matrix.py --table T.parquet --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.evaluation.transfer_matrix import ALL, NOTHING
from tom.reporting.figure_style import DOUBLE_COLUMN, GAP_CLOSED, MM, add_note, number_of, save_figure, use_style
from tom.reporting.tables import read_table
from tom.reporting.wording import counted, readable

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

LIMIT = 100
"""Percent at both ends of the colours."""


def matrix_of(table: pl.DataFrame, column: str) -> pl.DataFrame:
    """One column of the table: rows by `left_out`, columns by `measured_on`, both in the table's order."""
    return table.pivot("measured_on", index="left_out", values=column, maintain_order=True)


def label(fold: str) -> str:
    """`context-business` → `Business`; a name that is no fold stays."""
    return readable(fold.partition("-")[2] or fold)


def text_of(value: float, leads: bool) -> str:
    """`71*`, `−112`; nothing where there is no value."""
    return "" if value != value else f"{round(value)}{'*' * leads}".replace("-", "−")


def beyond(values: "np.ndarray") -> str:
    """At which ends of the colours, LIMIT percent, some values lie beyond them: there the colour bar has an arrow."""
    low, high = bool((values < -LIMIT).any()), bool((values > LIMIT).any())
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get((low, high), "neither")


def note_of(table: pl.DataFrame) -> str:
    """What stars, boxes and the first row mean, and n."""
    cells = dict(table.select("measured_on", "cells").rows())
    whole = cells.pop(ALL, None)
    parts = f", {number_of(pl.Series(list(cells.values())))} in each other column" if cells else ""
    seeds = counted(number_of(table["seeds"]), "training seed")
    return (
        f"* ahead of chance: the {table['confidence'][0]:.0%} bootstrap interval of the lead lies above 0."
        " Boxed: the part that was left out of the training."
        + f" Row '{label(NOTHING)}': trained on all." * (NOTHING in table["left_out"])
        + (f" n = {counted(whole, 'cell')}{parts}; {seeds}." if whole else f" n = {seeds}.")
    )


def plot_transfer_matrix(table: pl.DataFrame) -> "Figure":
    """Percent of the gap closed. Boxes: parts that the training left out. Stars: a lead over chance."""
    import matplotlib.pyplot as plt
    import seaborn as sns
    from matplotlib.patches import Rectangle

    closed, unseen, ahead = (matrix_of(table, column) for column in ("gap_closed", "unseen", "chance_low"))
    rows, columns = closed["left_out"].to_list(), closed.columns[1:]
    values = closed.drop("left_out").to_numpy().astype(float) * 100
    leads = ahead.drop("left_out").fill_null(float("-inf")).to_numpy() > 0
    texts = [
        [text_of(value, bool(lead)) for value, lead in zip(*line, strict=True)]
        for line in zip(values, leads, strict=True)
    ]
    # Below the rows lie the slanted names and the note. The colour bar's label needs the height of a few rows.
    height = 48 + 6.5 * max(3, len(rows))
    figure, axes = plt.subplots(figsize=(DOUBLE_COLUMN, height * MM), layout="constrained")
    sns.heatmap(
        values, ax=axes, annot=texts, fmt="", cmap="RdBu", vmin=-LIMIT, vmax=LIMIT, linewidths=0.5,
        xticklabels=[label(name) for name in columns], yticklabels=[label(name) for name in rows],
        annot_kws={"size": 6}, cbar_kws={"label": GAP_CLOSED, "extend": beyond(values)},
    )  # fmt: skip
    for height, line in enumerate(unseen.drop("left_out").iter_rows()):
        for across, is_unseen in enumerate(line):
            if is_unseen:
                axes.add_patch(
                    Rectangle((across, height), 1, 1, fill=False, edgecolor="black", linewidth=1.2, clip_on=False)
                )
    axes.set(xlabel="measured on", ylabel="left out\nof training")
    axes.tick_params(axis="x", rotation=60)
    axes.tick_params(axis="y", rotation=0)
    for tick in axes.get_xticklabels():
        tick.set_horizontalalignment("right")
        tick.set_rotation_mode("anchor")
    add_note(figure, note_of(table))
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", required=True)
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    save_figure(plot_transfer_matrix(read_table(arguments.table)), arguments.output)


if __name__ == "__main__":
    run_main(main)
