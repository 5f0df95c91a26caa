"""Recompute the figures of arXiv 2408.05241 from its published counts, and say what they can carry.

The tables are those of a run of ours, made by the same code (tom/evaluation/split_tables.py,
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
from tom.evaluation.aligned_counts import AlignedCounts
from tom.evaluation.improvement_summary import COLUMNS, improvement_summary
from tom.evaluation.sensitivity_table import sensitivity_tables
from tom.evaluation.split_tables import comparison_tables
from tom.paper.paper_figures import compare, read_stated, recompute
from tom.paper.public_goods import COLUMNS as CONTRIBUTION_COLUMNS
from tom.paper.public_goods import contribution_rows, contribution_set
from tom.paper.published_choices import SPLITS, read_contributions, read_published_cells
from tom.reporting.findings import equivalence_line, joint_line, sensitivity_line
from tom.reporting.tables import markdown_table, write_table
from tom.reporting.wording import readable, wrapped
from tom.statistics.resampling import Counted
from tom.statistics.uncertainty import Uncertainty

ONE = ("fixed", "sampled")
"""The paper's one view and measure."""


def judge_paper(published: Path, uncertainty: Uncertainty) -> dict[str, pl.DataFrame]:
    """The tables of tom/evaluation/split_tables.py and tom/evaluation/sensitivity_table.py, all splits together, for the
    paper's counts.
    """
    counts = {split: read_published_cells(published, split) for split in SPLITS}
    panels = {
        split: AlignedCounts(cells, models["teacher"], models["base"], {"tuned": models["tuned"]})
        for split, (cells, models) in counts.items()
    }
    judged = [
        comparison_tables({ONE: part}, {ONE: panels[IN_SAMPLE]}, uncertainty, split, published=[])
        for split, part in panels.items()
    ]
    tables = {name: pl.concat([found[name] for found in judged]) for name in judged[0]}
    # With one student the mean over students is that student, under the same name.
    for name in ("alignment", "generalisation", "contexts"):
        keys = [key for key in ("split", "predictor", "against", "context") if key in tables[name].columns]
        tables[name] = tables[name].unique(keys, keep="last", maintain_order=True)
    tables["improvements_in_counts"] = pl.concat(
        [in_counts(part, uncertainty, split) for split, part in panels.items()], how="vertical"
    )
    return tables | sensitivity_tables({ONE[0]: counts}, uncertainty)


def in_counts(part: AlignedCounts, uncertainty: Uncertainty, split: str) -> pl.DataFrame:
    """The summaries of improvement from counts instead of rates, as in the paper: a cell of 299 as if of 300."""
    size = max(int(answers.readable.max()) for answers in (part.teacher, part.base))
    padded = {
        name: Counted(answers.cooperated, np.full_like(answers.readable, size))
        for name, answers in {"base": part.base, "teacher": part.teacher, **part.tuned}.items()
    }
    rows = improvement_summary(padded["base"], padded["tuned"], padded["teacher"], uncertainty, split, "counts")
    rows = [{"split": split, "view": ONE[0], "measure": ONE[1], "model": "tuned"} | row for row in rows]
    return pl.DataFrame([{name: row.get(name) for name in COLUMNS} for row in rows], schema=COLUMNS).fill_nan(None)


def page(tables: dict[str, pl.DataFrame], uncertainty: Uncertainty) -> list[str]:
    """The page's lines."""
    figures = tables["figures"].with_columns(part=pl.col("figure").str.split(".").list.first())
    lines = [
        "# The paper's figures, from its counts",
        "",
        "arXiv 2408.05241 published how often each model cooperated in each cell. Every figure below is counted from",
        f"those files alone. Intervals are {uncertainty.confidence:.0%}; figures.csv says how each is found.",
    ]
    for part in figures["part"].unique(maintain_order=True):
        rows = figures.filter(part=part).to_dicts()
        names = {row["figure"]: row["figure"].partition(".")[2].replace("_", " ") for row in rows}
        shown = [
            [
                names[row["figure"]],
                f"{row['stated']:g}",
                f"{row['recomputed']:.4g}",
                "-" if row["low"] is None else f"{row['low']:.3g} to {row['high']:.3g}",
                row["unit"],
                "yes" if row["agrees"] else "NO",
            ]
            for row in rows
        ]
        lines += ["", f"## {readable(part)}", ""]
        lines += [*markdown_table(["figure", "stated", "counted", "interval", "unit", "agrees"], shown), ""]
        lines += [wrapped(f"- {names[row['figure']]}: {row['verdict']}.") for row in rows if row["verdict"]]
    slopes = tables["sensitivities"].filter(quantity="slope_on_teacher", factor="scale", model="tuned").to_dicts()
    return [
        *lines,
        "",
        "## What the student learnt",
        "",
        equivalence_line(tables["equivalence"], *ONE),
        sensitivity_line(tables["sensitivities"], ONE[0]),
        joint_line(tables["joint_choice_model"], ONE[0], uncertainty.confidence),
        *(
            wrapped(
                "- To doubled payoffs, of the teacher's reaction (1: all, 0: none):"
                f" {row['estimate']:.2f} ({row['low']:.2f} to {row['high']:.2f})."
            )
            for row in slopes
        ),
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
    tables["contributions"] = pl.DataFrame(
        contribution_rows(given, uncertainty.confidence), schema=CONTRIBUTION_COLUMNS
    )
    found = recompute(tables, given, tables["contributions"], contribution_set(given, uncertainty.confidence))
    tables["figures"] = compare(stated, found)
    for name, table in tables.items():
        write_table(table, arguments.output / f"{name}.parquet")
    target = arguments.output / "paper.md"
    with atomic_file(target) as temporary:
        temporary.write_text("\n".join(page(tables, uncertainty)) + "\n")
    log_written(target, f"{tables['figures'].height} figures")


if __name__ == "__main__":
    run_main(main)
