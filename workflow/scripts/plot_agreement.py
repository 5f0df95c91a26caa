"""Plot the students' propensities to cooperate against their teacher's, cell by cell, for each split.

python workflow/scripts/plot_agreement.py --propensities P.parquet ... --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.core.frames import roles_of
from tom.core.roles import TEACHER
from tom.evaluation.propensities import CELL, headline_view
from tom.reporting.figure_style import save_figure, use_style
from tom.reporting.tables import read_table
from tom.reporting.wording import readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKS = "osD^vPXh<>"


def pairs_of(propensities: pl.DataFrame) -> pl.DataFrame:
    """A row for each split, cell and student: `propensity` beside its `teacher`'s.

    Propensities are the exact ones where they are known. Tuned students are averaged over seeds.
    """
    cells = propensities.filter(pl.col("level") == "cell")
    cells = cells.filter(pl.col("view") == headline_view(cells["view"].to_list()))
    cells = cells.with_columns(student=roles_of(), propensity=pl.coalesce("exact", "rate"))
    teacher = cells.filter(model=TEACHER).select("split", *CELL, pl.col("propensity").alias("teacher"))
    students = cells.filter(pl.col("model") != TEACHER)
    students = students.group_by("split", *CELL, "student", maintain_order=True).agg(pl.col("propensity").mean())
    return students.join(teacher, on=["split", *CELL], maintain_order="left")


def plot_pairs(pairs: pl.DataFrame) -> "Figure":
    """A column for each split, a row each for base and tuned. On the diagonal a student equals its teacher."""
    import matplotlib.pyplot as plt
    import seaborn as sns
    from matplotlib.lines import Line2D

    splits = pairs["split"].unique(maintain_order=True).to_list()
    students = ["base", "tuned"]
    contexts = pairs["context"].unique().sort().to_list()
    colours = dict(zip(contexts, sns.color_palette("colorblind", len(contexts)), strict=True))
    marks = {context: MARKS[number % len(MARKS)] for number, context in enumerate(contexts)}
    figure, grid = plt.subplots(
        2, len(splits), sharex=True, sharey=True, squeeze=False,
        figsize=(1.9 + 2.5 * len(splits), 5.4), layout="constrained",
    )  # fmt: skip
    for axes_row, student in zip(grid, students, strict=True):
        for axes, split in zip(axes_row, splits, strict=True):
            axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, zorder=1)
            for context in contexts:
                cells = pairs.filter(split=split, student=student, context=context)
                axes.scatter(
                    cells["teacher"], cells["propensity"], color=colours[context], marker=marks[context],
                    s=34, edgecolor="white", linewidth=0.5, zorder=2,
                )  # fmt: skip
            axes.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), aspect="equal")
            axes.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
            axes.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
        axes_row[0].set_ylabel(f"{student}: propensity")
    for axes, split in zip(grid[0], splits, strict=True):
        axes.set_title(readable(split))
    for axes in grid[-1]:
        axes.set_xlabel("teacher: propensity")
    handles = [
        Line2D([], [], color=colours[name], marker=marks[name], linestyle="none", label=readable(name))
        for name in contexts
    ]
    figure.legend(handles=handles, loc="outside right center")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--propensities", nargs="+", required=True, help="of every split")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    save_figure(plot_pairs(pairs_of(read_table(*arguments.propensities))), arguments.output)


if __name__ == "__main__":
    run_main(main)
