"""The supervision table: what students close of the base's gap, by what they were taught of the teacher's replies.

Rows of tom/measuring/alignment_table.py for the students of each supervision, over the cells in which all of them,
teacher and base gave readable replies; the baselines' rows stand once, without a supervision. On `tuned` rows the leads
say how much more of the gap is closed than by the students of another supervision: over `choices`, what motivations
teach; over `other_motivations`, what they teach because they are about their own cell.
"""

from dataclasses import replace

import polars as pl

from tom.measuring.alignment import Gap, distance, lead_interval, mean_gap
from tom.measuring.alignment_table import align, alignment_table
from tom.measuring.panels import Panel, available_measures, panel, require_same_cells
from tom.measuring.propensities import available_views, count_replies
from tom.models import BASE, TEACHER, role
from tom.statistics.precision import Precision
from tom.teaching.recipe import CHOICES, OTHER_MOTIVATIONS

LEADS = [f"{other}_{column}" for other in (CHOICES, OTHER_MOTIVATIONS) for column in ("lead", "low", "high")]


def supervision_table(
    untuned: pl.DataFrame,
    tuned: dict[str, pl.DataFrame],
    reference: pl.DataFrame,
    split: str,
    precision: Precision,
) -> pl.DataFrame:
    """The table of a split: supervision, the columns of the alignment table, then LEADS.

    untuned: shards of teacher and base. tuned: supervision → shards of its students. reference: the in-sample
    shards of teacher and base, on which the baselines are fitted. Errors: BadInput names what the shards lack.
    """
    named = [
        shards.with_columns(pl.format("{}/{}", pl.lit(name), "model").alias("model")) for name, shards in tuned.items()
    ]
    counts, reference_counts = count_replies(pl.concat([untuned, *named])), count_replies(reference)
    require_same_cells(counts, "shards")
    students = sorted(set(counts["model"]) - {TEACHER, BASE})
    rows, more = [], []
    for view in available_views(counts):
        for measure in available_measures(counts):
            part, fitted_on = panel(counts, students, view, measure), panel(reference_counts, [], view, measure)
            keys = {"split": split, "view": view, "measure": measure}
            leads = _leads(part, list(tuned), precision, *keys.values())
            for supervision in tuned:
                own = replace(part, tuned=_students_of(part, supervision))
                for row in align(own, fitted_on, precision, *keys.values()):
                    if role(row["predictor"]) == "tuned":
                        rows.append(row | keys)
                        more.append({"supervision": supervision})
                        more[-1] |= leads[supervision] if row["predictor"] == "tuned" else {}
                    elif supervision == next(iter(tuned)):
                        rows.append(row | keys)
                        more.append({"supervision": None})
    columns = {"supervision": pl.String} | dict.fromkeys(LEADS, pl.Float64)
    added = pl.DataFrame([{name: row.get(name) for name in columns} for row in more], schema=columns)
    table = alignment_table(rows, precision.confidence)
    return pl.concat([added.select("supervision"), table, added.select(LEADS)], how="horizontal").fill_nan(None)


def _students_of(part: Panel, supervision: str) -> dict:
    """The panel's students of one supervision, by their own names."""
    marked = {name.partition("/")[::2]: answers for name, answers in part.tuned.items()}
    return {name: answers for (taught, name), answers in marked.items() if taught == supervision}


def _leads(
    part: Panel, supervisions: list[str], precision: Precision, *names: str
) -> dict[str, dict[str, float | None]]:
    """Supervision → LEADS, from one set of resampled teachers and bases; None over itself."""
    rates = part.teacher.rates()
    teacher_draws = part.teacher.redrawn(precision.draws, precision.generator(*names, "supervision", TEACHER))

    def gap(name: str, answers) -> Gap:
        redrawn = answers.redrawn(precision.draws, precision.generator(*names, "supervision", name))
        return Gap(float(distance(rates, answers.rates())), distance(teacher_draws, redrawn))

    base = gap(BASE, part.base)
    students = {name: gap(name, answers) for name, answers in part.tuned.items()}
    gaps = {
        supervision: mean_gap([found for name, found in students.items() if name.startswith(f"{supervision}/")])
        for supervision in supervisions
    }
    leads = {supervision: dict.fromkeys(LEADS) for supervision in supervisions}
    for supervision in supervisions:
        for other in {CHOICES, OTHER_MOTIVATIONS} - {supervision}:
            lead = lead_interval(gaps[supervision], gaps[other], base, precision.confidence)
            columns = (f"{other}_{column}" for column in ("lead", "low", "high"))
            leads[supervision] |= dict(zip(columns, lead, strict=True))
    return leads
