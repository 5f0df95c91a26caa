"""Plot the students' propensities to cooperate against their teacher's, cell by cell, for each split.

python workflow/scripts/plot_agreement.py --propensities P.parquet ... --confidence 0.95 --output F.pdf F.png
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tom.core.errors import run_main
from tom.core.frames import roles_of
from tom.core.roles import TEACHER
from tom.evaluation.propensities import CELL, headline_view
from tom.reporting.context_marks import add_context_legend, context_marks, contexts_of
from tom.reporting.figure_style import (
    MARKERS,
    add_note,
    in_rows,
    letter_panels,
    panel_grid,
    replies_told,
    save_figure,
    use_style,
)
from tom.reporting.tables import read_table
from tom.reporting.wording import readable
from tom.statistics.intervals import jeffreys

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pairs_of(propensities: pl.DataFrame, confidence: float) -> pl.DataFrame:
    """A row for each split, cell and student: `propensity` beside its `teacher`'s, each with `low` and `high`.

    Propensities are the exact ones where they are known, which have no interval. Tuned students are averaged over
    seeds, and the Jeffreys interval is that of all their replies.
    """
    cells = propensities.filter(pl.col("level") == "cell")
    cells = cells.filter(pl.col("view") == headline_view(cells["view"].to_list()))
    keys = ["split", *CELL]
    means = (
        cells.group_by(*keys, roles_of().alias("student"), maintain_order=True)
        .agg(pl.coalesce("exact", "rate").mean().alias("propensity"), pl.col("cooperated", "defected").sum(),
             pl.col("observations").sum(), sampled=pl.col("exact").is_null().all())
    )  # fmt: skip
    low, high = jeffreys(means["cooperated"], means["cooperated"] + means["defected"], confidence)
    known = pl.col("sampled") & (pl.col("cooperated") + pl.col("defected") > 0)
    means = means.with_columns(pl.when(known).then(pl.lit(pl.Series(name, end))).alias(name)
                               for name, end in (("low", low), ("high", high)))  # fmt: skip
    of_teacher = {"propensity": "teacher", "low": "teacher_low", "high": "teacher_high", "observations": "asked"}
    teacher = means.filter(student=TEACHER).select(*keys, *of_teacher).rename(of_teacher)
    return means.filter(pl.col("student") != TEACHER).join(teacher, on=keys, maintain_order="left")


def plot_pairs(pairs: pl.DataFrame, confidence: float) -> "Figure":
    """A column for each split, a row each for base and tuned. On the diagonal a student equals its teacher."""
    groups = contexts_of(pairs)
    splits = in_rows(pairs["split"].unique(maintain_order=True).to_list())
    rows = [[(split, student) for split in names] for names in splits for student in ("base", "tuned")]
    figure, panels = panel_grid(rows, 10 + len(rows) * 150 / max(3, len(rows[0])))
    for axes, (split, student) in panels:
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.6, zorder=1)
        for context, (colour, marker) in context_marks(groups).items():
            cells = pairs.filter(split=split, student=student, context=context)
            look = {"color": colour, "linewidth": 0.6, "alpha": 0.7, "zorder": 2}
            axes.hlines(cells["propensity"], cells["teacher_low"], cells["teacher_high"], **look)
            axes.vlines(cells["teacher"], cells["low"], cells["high"], **look)
            axes.scatter(
                cells["teacher"], cells["propensity"], color=colour, marker=marker,
                s=14, edgecolor="white", linewidth=0.3, zorder=3,
            )  # fmt: skip
        axes.set(
            xlim=(-0.04, 1.04),
            ylim=(-0.04, 1.04),
            aspect="equal",
            title=f"{student.title()}, {readable(split).lower()}",
        )
        axes.set(xticks=[0, 0.5, 1], yticks=[0, 0.5, 1], xlabel="teacher: P(cooperate)")
        axes.set_ylabel(f"{student}: P(cooperate)")
        axes.label_outer()
    letter_panels(figure.axes)
    add_context_legend(figure, groups)
    add_note(figure, f"{bars_of(pairs, confidence)} A mark for each cell.")
    return figure


def bars_of(pairs: pl.DataFrame, confidence: float) -> str:
    """What has an interval, of which kind and of how many replies: exact propensities have none."""
    answers = pl.concat([
        pairs.select(role=pl.lit(TEACHER), replies="asked", low="teacher_low"),
        pairs.select(role="student", replies="observations", low="low"),
    ])  # fmt: skip
    sampled = answers.filter(pl.col("low").is_not_null().any().over("role"))
    exact = [name for name in MARKERS if name in answers["role"] and name not in sampled["role"]]
    told = []
    if sampled.height:
        told.append(f"Bars: {confidence:.0%} Jeffreys intervals, n = {replies_told(sampled, 'per cell')}.")
    if exact:
        told.append(f"Exact, so without an interval: {', '.join(exact)}.")
    return " ".join(told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--propensities", nargs="+", required=True, help="of every split")
    parser.add_argument("--confidence", type=float, required=True, help="of the intervals, e.g. 0.95")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file for each format")
    arguments = parser.parse_args()
    use_style()
    pairs = pairs_of(read_table(*arguments.propensities), arguments.confidence)
    save_figure(plot_pairs(pairs, arguments.confidence), arguments.output)


if __name__ == "__main__":
    run_main(main)
