"""Plot what students close of the gap to their teacher, by what they were taught, beside what needs no student.

python workflow/scripts/plot_students.py --by target --tables T.parquet ... --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.evaluation.propensities import headline_view
from tom.reporting.figure_style import COLOURS, save_figure, use_style
from tom.reporting.tables import read_table
from tom.reporting.wording import readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Lines = dict[str, tuple[str, str, str]]
"""Group or predictor → (label, colour, marker), from top to bottom."""

LINES: dict[str, tuple[Lines, Lines]] = {
    "target": (
        {
            "label": ("choices", "tuned", "o"),
            "full_reply": ("choices and motivations", "tuned", "D"),
            "shuffled_motivation": ("choices, others' motivations", "tuned", "X"),
        },
        {"chance": ("chance", "baseline", "s"), "constant": ("one constant", "baseline", "s")},
    ),
    "teacher": (
        {
            "as_is": ("taught by the teacher", "tuned", "o"),
            "shuffled": ("by a shuffled teacher", "tuned", "X"),
            "constant": ("by a constant teacher", "tuned", "D"),
        },
        {
            "chance": ("chance", "baseline", "s"),
            "constant": ("one constant", "baseline", "s"),
            "offset": ("base, shifted", "baseline", "s"),
            "nearest": ("nearest cell", "baseline", "s"),
            "noise_ceiling": ("noise ceiling", "baseline", "^"),
        },
    ),
    "counterbalancing": (
        {
            "one_order": ("taught in one order", "tuned", "X"),
            "as_is": ("in both", "tuned", "o"),
            "both": ("and letters exchanged", "tuned", "D"),
        },
        {"chance": ("chance", "baseline", "s"), "constant": ("one constant", "baseline", "s")},
    ),
}
"""What tells students apart → (lines of their groups, lines of the baselines)."""


def rows_of(table: pl.DataFrame, by: str) -> pl.DataFrame:
    """The rows shown, each with its line's label: the headline view, exact where there is such a row, else sampled."""
    groups, baselines = ({name: label for name, (label, _, _) in lines.items()} for lines in LINES[by])
    group = pl.when(predictor="tuned").then(pl.col(by).replace_strict(groups, default=None))
    line = group.otherwise(pl.col("predictor").replace_strict(baselines, default=None))
    shown = table.with_columns(line=line).drop_nulls("line")
    # "exact" sorts before "sampled".
    shown = shown.filter(view=headline_view(shown["view"].unique().to_list())).sort("measure", maintain_order=True)
    return shown.unique(["split", "line"], keep="first", maintain_order=True)


def plot_students(rows: pl.DataFrame, by: str) -> "Figure":
    """A column for each split, a line for each group and baseline."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    lines = [line for part in LINES[by] for line in part.values()]
    splits = rows["split"].unique(maintain_order=True).to_list()
    figure, (axes_row,) = plt.subplots(
        1, len(splits), sharex=True, sharey=True, squeeze=False,
        figsize=(2.2 + 2.4 * len(splits), 0.9 + 0.3 * len(lines)), layout="constrained",
    )  # fmt: skip
    for axes, split in zip(axes_row, splits, strict=True):
        axes.axvline(0, color="0.4", linewidth=1)
        for height, (label, colour, marker) in enumerate(lines):
            for row in rows.filter(pl.col("gap_closed").is_not_null(), split=split, line=label).iter_rows(named=True):
                axes.plot(row["gap_closed"], height, color=COLOURS[colour], marker=marker, markersize=6)
                if row["low"] is not None:
                    axes.hlines(height, row["low"], row["high"], color=COLOURS[colour], linewidth=1.3)
        axes.set_title(readable(split))
        axes.grid(False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 5, 10]))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=None))
    axes_row[0].set_yticks(range(len(lines)), [label for label, _, _ in lines])
    axes_row[0].set_ylim(len(lines) - 0.5, -0.5)
    figure.supxlabel("share of the base's gap to its teacher that is closed (%)", fontsize="medium")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--by", choices=LINES, required=True, help="what tells the students apart")
    parser.add_argument("--tables", nargs="+", required=True, help="of every split")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    save_figure(plot_students(rows_of(read_table(*arguments.tables), arguments.by), arguments.by), arguments.output)


if __name__ == "__main__":
    run_main(main)
