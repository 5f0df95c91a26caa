"""Plot the share of the gap to the teacher that students close, by how they were trained, beside the baselines.

python workflow/scripts/plot_students.py --by target --line label choices \
    --line full_reply "choices and motivations" --baselines chance constant --tables T.parquet ... --output F.pdf F.png
"""

import argparse
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.evaluation.propensities import headline_view_of
from tom.reporting.figure_style import BASELINES, COLOURS, GAP_CLOSED, save_figure, use_style
from tom.reporting.tables import read_table
from tom.reporting.wording import readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GROUP_MARKERS = "oDXPv"


def rows_of(table: pl.DataFrame, by: str, groups: dict[str, str], baselines: list[str]) -> pl.DataFrame:
    """The rows shown, each with the label of its `line`: the headline view, exact where there is one, else sampled.

    by: the column that names a student's group. groups: group → label.
    """
    group = pl.when(predictor="tuned").then(pl.col(by).replace_strict(groups, default=None))
    labels = {name: BASELINES[name].label for name in baselines}
    line = group.otherwise(pl.col("predictor").replace_strict(labels, default=None, return_dtype=pl.String))
    shown = table.with_columns(line=line).drop_nulls("line")
    # "exact" sorts before "sampled".
    shown = shown.filter(view=headline_view_of(shown)).sort("measure", maintain_order=True)
    return shown.unique(["split", "line"], keep="first", maintain_order=True)


def plot_students(rows: pl.DataFrame, groups: dict[str, str], baselines: list[str]) -> "Figure":
    """A column for each split, a line for each group and baseline, from top to bottom."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    lines = [(label, COLOURS["tuned"], marker) for label, marker in zip(groups.values(), cycle(GROUP_MARKERS))]
    lines += [(BASELINES[name].label, COLOURS["baseline"], BASELINES[name].marker) for name in baselines]
    splits = rows["split"].unique(maintain_order=True).to_list()
    figure, (axes_row,) = plt.subplots(
        1, len(splits), sharex=True, sharey=True, squeeze=False,
        figsize=(2.2 + 2.4 * len(splits), 0.9 + 0.3 * len(lines)), layout="constrained",
    )  # fmt: skip
    for axes, split in zip(axes_row, splits, strict=True):
        axes.axvline(0, color="0.4", linewidth=1)
        for height, (label, colour, marker) in enumerate(lines):
            for row in rows.filter(pl.col("gap_closed").is_not_null(), split=split, line=label).iter_rows(named=True):
                axes.plot(row["gap_closed"], height, color=colour, marker=marker, markersize=6)
                if row["low"] is not None:
                    axes.hlines(height, row["low"], row["high"], color=colour, linewidth=1.3)
        axes.set_title(readable(split))
        axes.grid(False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 5, 10]))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=None))
    axes_row[0].set_yticks(range(len(lines)), [label for label, _, _ in lines])
    axes_row[0].set_ylim(len(lines) - 0.5, -0.5)
    figure.supxlabel(GAP_CLOSED, fontsize="medium")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--by", required=True, help="the column that names a student's group")
    parser.add_argument(
        "--line", nargs=2, action="append", required=True, metavar=("GROUP", "LABEL"), help="again for each group"
    )
    parser.add_argument("--baselines", nargs="+", choices=BASELINES, required=True)
    parser.add_argument("--tables", nargs="+", required=True, help="of every split")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    groups = dict(arguments.line)
    rows = rows_of(read_table(*arguments.tables), arguments.by, groups, arguments.baselines)
    save_figure(plot_students(rows, groups, arguments.baselines), arguments.output)


if __name__ == "__main__":
    run_main(main)
