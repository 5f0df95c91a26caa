"""Plot the transfer matrix as a heat map: what the training left out against where its student is measured.

python workflow/scripts/plot_transfer_matrix.py --table T.parquet --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.reporting.figure_style import DOUBLE_COLUMN, GAP_CLOSED, MM, add_note, save_figure, use_style
from tom.reporting.tables import read_table
from tom.reporting.wording import readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def matrix_of(table: pl.DataFrame, column: str) -> pl.DataFrame:
    """One column of the table: rows by `left_out`, columns by `measured_on`, both in the table's order."""
    return table.pivot("measured_on", index="left_out", values=column, maintain_order=True)


def label(fold: str) -> str:
    """`context-business` → `Business`; a name that is no fold stays."""
    return readable(fold.partition("-")[2] or fold)


def plot_transfer_matrix(table: pl.DataFrame) -> "Figure":
    """Percent of the gap closed. Frames: parts that the training left out. Stars: a lead over chance."""
    import matplotlib.pyplot as plt
    import seaborn as sns
    from matplotlib.patches import Rectangle

    closed, unseen, ahead = (matrix_of(table, column) for column in ("gap_closed", "unseen", "chance_low"))
    rows, columns = closed["left_out"].to_list(), closed.columns[1:]
    values = closed.drop("left_out").to_numpy().astype(float) * 100
    leads = ahead.drop("left_out").fill_null(float("-inf")).to_numpy() > 0
    texts = [
        ["" if value != value else f"{value:.0f}{'*' * bool(lead)}" for value, lead in zip(*line, strict=True)]
        for line in zip(values, leads, strict=True)
    ]
    figure, axes = plt.subplots(figsize=(DOUBLE_COLUMN, (30 + 6.5 * len(rows)) * MM), layout="constrained")
    sns.heatmap(
        values, ax=axes, annot=texts, fmt="", cmap="RdBu", vmin=-100, vmax=100, linewidths=0.5, annot_kws={"size": 6},
        xticklabels=[label(name) for name in columns], yticklabels=[label(name) for name in rows],
        cbar_kws={"label": GAP_CLOSED, "extend": "both"},
    )  # fmt: skip
    for height, line in enumerate(unseen.drop("left_out").iter_rows()):
        for across, is_unseen in enumerate(line):
            if is_unseen:
                axes.add_patch(
                    Rectangle((across, height), 1, 1, fill=False, edgecolor="black", linewidth=1.2, clip_on=False)
                )
    axes.set(xlabel="measured on", ylabel="left out of training")
    axes.tick_params(axis="x", rotation=60)
    for tick in axes.get_xticklabels():
        tick.set_horizontalalignment("right")
        tick.set_rotation_mode("anchor")
    kind = f"{table['confidence'][0]:.0%} bootstrap interval"
    add_note(figure, f"Frames: left out of training. Stars: ahead of chance, the {kind} of the lead above 0.")
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
