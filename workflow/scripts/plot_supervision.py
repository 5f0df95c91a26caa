"""Plot what students close of the gap to their teacher, by what they were taught of its replies.

python workflow/scripts/plot_supervision.py --tables T.parquet ... --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.errors import run_main
from tom.showing.figure_style import COLOURS, save_figure, use_style
from tom.showing.names import readable
from tom.showing.tables import read_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES = {
    "choices": ("choices", "tuned", "o"),
    "replies": ("choices and motivations", "tuned", "D"),
    "other_motivations": ("choices, others' motivations", "tuned", "X"),
    "coin": ("coin", "baseline", "s"),
    "constant": ("one constant", "baseline", "s"),
}
"""Supervision or predictor → (label, colour, marker), from top to bottom."""


def rows_of(table: pl.DataFrame) -> pl.DataFrame:
    """The rows shown, each with its line: the headline view, exact where there is such a row, else sampled."""
    line = pl.when(pl.col("predictor") == "tuned").then("supervision").otherwise("predictor")
    shown = table.with_columns(line=line).filter(pl.col("line").is_in(list(LINES)))
    view = "both" if "both" in shown["view"] else shown["view"][0]
    # "exact" sorts before "sampled".
    return shown.filter(view=view).sort("measure").unique(["split", "line"], keep="first", maintain_order=True)


def plot_supervision(rows: pl.DataFrame) -> "Figure":
    """A column for each split, a line for each supervision and baseline."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    splits = rows["split"].unique(maintain_order=True).sort().to_list()
    figure, (axes_row,) = plt.subplots(
        1, len(splits), sharex=True, sharey=True, squeeze=False,
        figsize=(2.2 + 2.4 * len(splits), 2.4), layout="constrained",
    )  # fmt: skip
    for axes, split in zip(axes_row, splits, strict=True):
        axes.axvline(0, color="0.4", linewidth=1)
        for height, (line, (_, colour, marker)) in enumerate(LINES.items()):
            for row in rows.filter(pl.col("gap_closed").is_not_null(), split=split, line=line).iter_rows(named=True):
                axes.plot(row["gap_closed"], height, color=COLOURS[colour], marker=marker, markersize=6)
                if row["low"] is not None:
                    axes.hlines(height, row["low"], row["high"], color=COLOURS[colour], linewidth=1.3)
        axes.set_title(readable(split))
        axes.grid(False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 5, 10]))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=None))
    axes_row[0].set_yticks(range(len(LINES)), [label for label, _, _ in LINES.values()])
    axes_row[0].set_ylim(len(LINES) - 0.5, -0.5)
    figure.supxlabel("share of the base's gap to its teacher that is closed (%)", fontsize="medium")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", required=True, help="of every split")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    save_figure(plot_supervision(rows_of(read_table(*arguments.tables))), arguments.output)


if __name__ == "__main__":
    run_main(main)
