"""Recompute the figures of arXiv 2408.05241 from its published counts, and say what they support.

The tables are those of a run, made by the same code (tom/evaluation/split_tables.py,
tom/evaluation/sensitivity_table.py).

python workflow/scripts/recompute_paper.py --published resources/paper/observed_choices.csv \
    --contributions resources/paper/observed_contributions.csv --stated resources/paper/stated_figures.csv \
    --bootstrap 2000 --confidence 0.95 --margin 0.1 --seed 1 --output results/paper
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from tom.config.study import IN_SAMPLE
from tom.core.errors import run_main
from tom.core.files import atomic_file, log_written
from tom.core.frames import frame_of, table_schema
from tom.core.table_columns import tables_made_by
from tom.evaluation.aligned_counts import AlignedCounts
from tom.evaluation.improvement_summary import improvement_summary
from tom.evaluation.sensitivity_table import sensitivity_tables
from tom.evaluation.split_tables import comparison_tables
from tom.paper.public_goods import contribution_set, contribution_table
from tom.paper.published_choices import SPLITS, read_contributions, read_published_cells
from tom.reporting.findings import equivalence_line, joint_line, sensitivity_table
from tom.reporting.paper_figures import compare, read_stated, recompute
from tom.reporting.tables import markdown_table, write_registered
from tom.reporting.wording import readable, wrapped
from tom.statistics.resampling import Counted, Uncertainty

ONE = ("fixed", "sampled")
"""The only view and measure of the paper."""
STATED_IN = {"paper": "paper", "counts": "elsewhere"}
"""Origin of a stated figure → who states it."""
CONTRADICTED = {
    "paper": "The paper states it, and its counts do not give it.",
    "counts": "The paper does not state it: it was derived from these counts elsewhere, and they do not give it.",
}
"""Origin of a stated figure → what is said where it does not agree."""


def judge_paper(published: Path, uncertainty: Uncertainty) -> dict[str, pl.DataFrame]:
    """Table → its rows of all splits, from the paper's counts, a CSV file.

    The tables are those of tom/evaluation/split_tables.py and tom/evaluation/sensitivity_table.py, and
    improvements_in_counts.
    """
    counts = {split: read_published_cells(published, split) for split in SPLITS}
    aligned = {
        split: AlignedCounts(cells, models["teacher"], models["base"], {"tuned": models["tuned"]})
        for split, (cells, models) in counts.items()
    }
    judged = [
        comparison_tables({ONE: part}, {ONE: aligned[IN_SAMPLE]}, uncertainty, split, published=[])
        for split, part in aligned.items()
    ]
    tables = {name: pl.concat([found[name] for found in judged]) for name in judged[0]}
    # With one student, named `tuned`, the rows of the mean over students have the same name and are the same.
    for name in ("alignment", "generalisation", "contexts"):
        keys = [key for key in ("split", "predictor", "against", "context") if key in tables[name].columns]
        tables[name] = tables[name].unique(keys, keep="last", maintain_order=True)
    tables["improvements_in_counts"] = pl.concat(
        [in_counts(part, uncertainty, split) for split, part in aligned.items()], how="vertical"
    )
    return tables | sensitivity_tables({ONE[0]: counts}, uncertainty)


def in_counts(part: AlignedCounts, uncertainty: Uncertainty, split: str) -> pl.DataFrame:
    """The improvements of a split summed up from counts instead of rates, as in the paper: 299 replies count as 300."""
    size = max(int(answers.readable.max()) for answers in (part.teacher, part.base))
    padded = {
        name: Counted(answers.cooperated, np.full_like(answers.readable, size))
        for name, answers in {"base": part.base, "teacher": part.teacher, **part.tuned}.items()
    }
    rows = improvement_summary(padded["base"], padded["tuned"], padded["teacher"], uncertainty, split, "counts")
    rows = [{"split": split, "view": ONE[0], "measure": ONE[1], "model": "tuned"} | row for row in rows]
    return frame_of(rows, table_schema("improvements_in_counts"))


def page(tables: dict[str, pl.DataFrame], uncertainty: Uncertainty) -> list[str]:
    """The lines of paper.md. tables: those of judge_paper, contributions and figures."""
    figures = tables["figures"].with_columns(part=pl.col("figure").str.split(".").list.first())
    lines = [
        "# The paper's figures, from its counts",
        "",
        "arXiv 2408.05241 published how often each model cooperated in each cell. Every figure below is counted from",
        f"those files alone. Intervals are {uncertainty.confidence:.0%}; figures.csv says how each is found.",
        "",
        "- stated: the figure to recompute. Stated in: *paper* is one that the paper itself states; *elsewhere* is",
        "  one that the paper does not state, and that was derived from its counts elsewhere.",
        "- agrees: whether what is counted here rounds to the stated figure. Below a table, a sentence on each NO.",
    ]
    for part in figures["part"].unique(maintain_order=True):
        rows = figures.filter(part=part).to_dicts()
        names = {row["figure"]: row["figure"].partition(".")[2].replace("_", " ") for row in rows}
        shown = [
            [
                names[row["figure"]],
                f"{row['stated']:g}",
                STATED_IN[row["origin"]],
                f"{row['recomputed']:.4g}",
                "-" if row["low"] is None else f"{row['low']:.3g} to {row['high']:.3g}",
                row["unit"],
                "yes" if row["agrees"] else "NO",
            ]
            for row in rows
        ]
        lines += ["", f"## {readable(part)}", ""]
        lines += [
            *markdown_table(["figure", "stated", "stated in", "counted", "interval", "unit", "agrees"], shown),
            "",
        ]
        lines += [
            wrapped(
                f"- {names[row['figure']]}, NO: stated {row['stated']:g}, counted {row['recomputed']:.4g}."
                f" {CONTRADICTED[row['origin']]}"
            )
            for row in rows
            if not row["agrees"]
        ]
        lines += [wrapped(f"- {names[row['figure']]}: {row['verdict']}.") for row in rows if row["verdict"]]
    slopes = tables["sensitivities"].filter(quantity="slope_on_teacher", factor="scale", model="tuned").to_dicts()
    return [
        *lines,
        "",
        "## What the student learnt",
        "",
        equivalence_line(tables["equivalence"], *ONE),
        joint_line(tables["joint_choice_model"], ONE[0], uncertainty.confidence),
        *(
            wrapped(
                "- To doubled payoffs, of the teacher's reaction (1: all, 0: none):"
                f" {row['estimate']:.2f} ({row['low']:.2f} to {row['high']:.2f})."
            )
            for row in slopes
        ),
        "",
        *sensitivity_table(tables["sensitivities"], ONE[0]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--published", type=Path, required=True, help="the paper's choices, CSV")
    parser.add_argument("--contributions", type=Path, required=True, help="the paper's contributions, CSV")
    parser.add_argument("--stated", type=Path, required=True, help="figures to recompute, CSV")
    Uncertainty.add_arguments(parser)
    parser.add_argument("--output", type=Path, required=True, help="folder of the tables and paper.md")
    arguments = parser.parse_args()

    uncertainty = Uncertainty.from_arguments(arguments)
    stated = read_stated(arguments.stated)
    tables = judge_paper(arguments.published, uncertainty)
    given = read_contributions(arguments.contributions)
    tables["contributions"] = contribution_table(given, uncertainty.confidence)
    found = recompute(tables, given, tables["contributions"], contribution_set(given, uncertainty.confidence))
    tables["figures"] = compare(stated, found)
    for name in tables_made_by("recompute_paper"):
        write_registered(name, tables[name], arguments.output / f"{name}.parquet")
    target = arguments.output / "paper.md"
    with atomic_file(target) as temporary:
        temporary.write_text("\n".join(page(tables, uncertainty)) + "\n")
    log_written(target, f"{tables['figures'].height} figures")


if __name__ == "__main__":
    run_main(main)
