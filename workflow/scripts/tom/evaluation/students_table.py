"""What students close of the base's gap, by how they were taught: one table for each comparison of trainings.

Each group of students has its rows of tom/evaluation/alignment_table.py, over the cells in which all groups, the
teacher and the base gave readable replies. Base and baselines have one row each, without a group. `tuned` rows also say
how much more of the gap a group closes than another one (leads), or as what share of what another one closes.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from tom.core.errors import UserError
from tom.core.roles import BASE, TEACHER, role
from tom.evaluation.aligned_counts import (
    AlignedCounts,
    align_counts,
    available_measures,
    mark_groups,
    require_same_cells,
    students_of,
)
from tom.evaluation.alignment import Gap, gap_of, lead_interval, mean_gap, share_interval
from tom.evaluation.alignment_table import align, alignment_table
from tom.evaluation.propensities import available_views, count_replies
from tom.sampling.shards import scanned_shards
from tom.statistics.resampling import Uncertainty

Shards = pl.DataFrame | pl.LazyFrame
ENDS = ("low", "high")


@dataclass(frozen=True)
class Comparison:
    """How groups of students are compared.

    by: the column that names a student's group. leads: prefix of three columns → the group that others are compared
    with. whole: the group that shares of the gap closed refer to.
    """

    by: str
    leads: Mapping[str, str]
    whole: str | None = None

    def columns(self) -> list[str]:
        """The columns that follow those of the alignment table."""
        names = [f"{prefix}_{column}" for prefix in self.leads for column in ("lead", *ENDS)]
        return names + ([] if self.whole is None else ["share", *(f"share_{end}" for end in ENDS)])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a table of students."""
    parser.add_argument("--by", required=True, help="the column that names a student's group")
    parser.add_argument("--split", required=True)
    parser.add_argument("--untuned", nargs="+", required=True, help="teacher and base shards of the split")
    parser.add_argument(
        "--students", nargs="+", action="append", required=True, help="a group's name and its shards; again for each"
    )
    parser.add_argument(
        "--lead", nargs=2, action="append", default=[], metavar=("PREFIX", "GROUP"),
        help="of three columns, and the group that others are compared with; again for each",
    )  # fmt: skip
    parser.add_argument("--whole", help="the group that shares of the gap closed refer to")
    parser.add_argument("--reference-shards", nargs="+", required=True, help="teacher and base shards of in_sample")
    parser.add_argument("--output", type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")
    Uncertainty.add_arguments(parser)


def table_of(arguments: argparse.Namespace) -> pl.DataFrame:
    """The table of parsed flags. Errors: UserError for a group that is compared with and has no students."""
    comparison = Comparison(arguments.by, dict(arguments.lead), arguments.whole)
    names, files = zip(*((name, files) for name, *files in arguments.students), strict=True)
    if absent := sorted({*comparison.leads.values(), *filter(None, [comparison.whole])} - set(names)):
        raise UserError(f"--students: no shards of the group '{absent[0]}' (allowed: {', '.join(names)})")
    with scanned_shards(arguments.untuned, arguments.reference_shards, *files) as (untuned, reference, *tuned):
        return students_table(
            untuned,
            dict(zip(names, tuned, strict=True)),
            reference,
            arguments.split,
            Uncertainty.from_arguments(arguments),
            comparison,
        )


def students_table(
    untuned: Shards,
    tuned: Mapping[str, Shards],
    reference: Shards,
    split: str,
    uncertainty: Uncertainty,
    comparison: Comparison,
) -> pl.DataFrame:
    """The table of a split: the group, then the columns of the alignment table, then those of the comparison.

    untuned: shards of teacher and base. tuned: group → shards of its students. reference: the in-sample shards of
    teacher and base, on which the baselines are fitted. Errors: UserError names what the shards lack.
    """
    counts = count_replies(pl.concat([untuned.lazy(), *mark_groups(tuned)]))
    reference_counts = count_replies(reference)
    require_same_cells(counts, "shards")
    students = sorted(set(counts["model"]) - {TEACHER, BASE})
    rows, more = [], []
    for view in available_views(counts):
        for measure in available_measures(counts):
            part, fitted_on = (
                align_counts(counts, students, view, measure),
                align_counts(reference_counts, [], view, measure),
            )
            names = (split, view, measure)
            keys = dict(zip(("split", "view", "measure"), names, strict=True))
            keys["teacher_answers"] = part.teacher_answers
            compared = _compare(part, list(tuned), uncertainty, comparison, *names)
            for group in tuned:
                own = replace(part, tuned=students_of(part, group))
                for row in align(own, fitted_on, uncertainty, *names):
                    if role(row["predictor"]) == "tuned":
                        rows.append(row | keys)
                        more.append({comparison.by: group})
                        more[-1] |= compared[group] if row["predictor"] == "tuned" else {}
                    elif group == next(iter(tuned)):
                        rows.append(row | keys)
                        more.append({comparison.by: None})
    columns = {comparison.by: pl.String} | dict.fromkeys(comparison.columns(), pl.Float64)
    added = pl.DataFrame([{name: row.get(name) for name in columns} for row in more], schema=columns)
    table = alignment_table(rows, uncertainty.confidence)
    parts = [added.select(comparison.by), table, added.select(comparison.columns())]
    return pl.concat(parts, how="horizontal").fill_nan(None)


def _compare(
    part: AlignedCounts, groups: list[str], uncertainty: Uncertainty, comparison: Comparison, *names: str
) -> dict[str, dict[str, float]]:
    """Group → the comparison's columns, from one set of resampled teachers and bases; no lead over itself."""
    if not part.cells:
        return {group: {} for group in groups}
    teacher_draws = part.teacher.redrawn(uncertainty.draws, uncertainty.generator(*names, comparison.by, TEACHER))

    def gap(name: str, answers) -> Gap:
        return gap_of(part.teacher, teacher_draws, answers, uncertainty.generator(*names, comparison.by, name))

    base = gap(BASE, part.base)
    gaps = {
        group: mean_gap([gap(f"{group}/{name}", answers) for name, answers in students_of(part, group).items()])
        for group in groups
    }
    compared = {}
    for group in groups:
        found = {}
        for prefix, other in comparison.leads.items():
            if other != group:
                lead = lead_interval(gaps[group], gaps[other], base, uncertainty.confidence)
                found |= dict(zip((f"{prefix}_{column}" for column in ("lead", *ENDS)), lead, strict=True))
        if comparison.whole is not None:
            share = share_interval(gaps[group], gaps[comparison.whole], base, uncertainty.confidence)
            found |= dict(zip(("share", *(f"share_{end}" for end in ENDS)), share, strict=True))
        compared[group] = found
    return compared
