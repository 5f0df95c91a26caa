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
from tom.reporting.figure_style import (
    BASELINES,
    COLOURS,
    DOUBLE_COLUMN,
    SINGLE_COLUMN,
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
from tom.reporting.wording import counted, readable

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
    lines = [(label, COLOURS["tuned"], marker) for label, marker in zip(groups.values(), cycle(GROUP_MARKERS))]
    lines += [(BASELINES[name].label, COLOURS["baseline"], BASELINES[name].marker) for name in baselines]
    splits = in_rows(rows["split"].unique(maintain_order=True).to_list())
    width = DOUBLE_COLUMN if len(splits[0]) > 1 else SINGLE_COLUMN
    figure, panels = panel_grid(splits, 10 + (8 + 4.4 * len(lines)) * len(splits), width)
    for axes, split in panels:
        set_closed_axis(axes, rows)
        for height, (label, colour, marker) in enumerate(lines):
            for row in rows.filter(split=split, line=label).iter_rows(named=True):
                draw_closed(axes, row, height, colour, marker)
        axes.set_title(readable(split))
        axes.set_yticks(range(len(lines)), [label for label, _, _ in lines])
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.label_outer()
    letter_panels(figure.axes)
    cells, seeds = counted(number_of(rows["cells"]), "cell"), number_of(rows["seeds"].drop_nulls())
    add_note(figure, f"n = {cells}; training seeds: {seeds}. Bars: {rows['confidence'][0]:.0%} bootstrap intervals.")
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
