"""What the tables of a run, or of the paper's counts, show: a sentence for each question, and the headline."""

from collections.abc import Mapping

import polars as pl

from tom.config.study import IN_SAMPLE
from tom.core.frames import roles_of
from tom.core.roles import BASE, TEACHER, role
from tom.evaluation.aligned_counts import EXACT, SAMPLED
from tom.evaluation.baselines import BASELINES
from tom.evaluation.number_gaps import MIDDLE, QUANTITIES, UNIFORM
from tom.evaluation.propensities import headline_view_of
from tom.reporting.tables import markdown_table
from tom.reporting.wording import (
    beats_all,
    counted,
    describe_leads,
    estimate,
    gap_closed,
    listed,
    minus_signs,
    percent,
    readable,
    signed_points,
    two_places,
    wrapped,
)
from tom.statistics.equivalence import EQUIVALENCES

ASKED = {
    "both": "asked in both option orders",
    "fixed": "asked in the paper's option order",
    "swapped": "asked with cooperation listed last",
}
OTHERS = {UNIFORM: "all numbers equally likely", MIDDLE: "the middle number", "paper_tuned": "the paper's student"}
"""Predictors of numbers that stand beside the tuned student."""

CAUSES = {
    "context": "the context",
    "game": "the game",
    "noise": "noise (part of both; from 100 on, nothing else shows)",
}
"""Factor → its row in the table of sensitivities. Noise lies within the others, so the sum may be above 100 %."""

ESTIMATES = {
    "alignment": ("gap closed", ""),
    "generalisation": ("lead over the base with contexts as the sample", ""),
    "sensitivities": ("{quantity} by ", "{factor}"),
    "joint_choice_model": ("the joint model's ", "{term}"),
}
"""Tables whose column `not_estimated` the summary tells → what their rows estimate, and of what."""


# The headline


def predictors_of(alignment: pl.DataFrame, split: str, view: str) -> dict[str, dict]:
    """Predictor → its row, of one split and view."""
    return {row["predictor"]: row for row in alignment.filter(split=split, view=view).iter_rows(named=True)}


def headline_measure(alignment: pl.DataFrame) -> pl.DataFrame:
    """The rows of the measure that a run is judged by: `exact` where all splits have it, else `sampled`."""
    exact = alignment.filter(measure="exact")
    return exact if exact["split"].n_unique() == alignment["split"].n_unique() else alignment.filter(measure="sampled")


def headline(alignment: pl.DataFrame, student: str, teacher: str) -> str:
    """What share of its gap the tuned student closes in each split, and where that is more than a baseline does."""
    shown = headline_measure(alignment)
    view = headline_view_of(shown)
    rows = shown.filter(view=view, predictor="tuned").to_dicts()
    words = [gap_closed(row, " %", f"no measurable share ({row['not_estimated']})") for row in rows]
    shares = [f"{words[0]} of the gap between them", *words[1:]]
    closed = minus_signs(listed([f"{share} {_where(row['split'])}" for share, row in zip(shares, rows, strict=True)]))
    beaten = [_where(row["split"]) for row in rows if row["gap_closed"] is not None and beats_all(row)]
    if not beaten:
        verdict = "nowhere does it beat every simple baseline"
    else:
        where = "everywhere" if len(beaten) == len(rows) else f"only {listed(beaten)}"
        verdict = f"it beats every simple baseline {where}"
    lost = any(row["gap_closed"] is not None and row["gap_closed"] < 0 for row in rows)
    farther = " A share below 0 % means that it is farther from its teacher than before training." if lost else ""
    return f"Trained on the choices of {teacher} and {ASKED[view]}, {student} closes {closed}; {verdict}.{farther}"


def _where(split: str) -> str:
    return "in the cells that it was trained on" if split == IN_SAMPLE else f"in “{readable(split)}”"


# One split


def verdict_line(tuned: dict, against_base: pl.DataFrame) -> str:
    """What a split shows: does training close any of the gap, more than the baselines, and with contexts as the sample?

    tuned: the row of the alignment table. against_base: the split's row of the generalisation table, if it has one.
    """
    spread = "" if tuned["seed_sd"] is None else f" (seed SD {100 * tuned['seed_sd']:.1f} points)"
    words = [f"- {readable(tuned['split'])}: {_change(tuned)}{spread}; {describe_leads(tuned)}."]
    words += [f"{describe_contexts(row)}." for row in against_base.iter_rows(named=True)]
    return wrapped(" ".join(words))


def describe_contexts(row: dict) -> str:
    """The lead over the base with contexts as the sample, in points. row: of the generalisation table."""
    nearer = f"Nearer than the base in {row['contexts_nearer']} of {counted(row['contexts'], 'context')}"
    if row["low"] is None:
        return f"{nearer}: too few to say more"
    lead, low, high, direction = row["lead"], row["low"], row["high"], "nearer"
    if round(100 * lead) < 0:
        lead, low, high, direction = -lead, -high, -low, "farther"
    mean = f"{counted(percent(lead), 'percentage point')} {direction}"
    return f"{nearer}; on average {mean} (contexts as the sample: {percent(low)} to {percent(high)})"


# All splits, or in sample


def equivalence_line(equivalence: pl.DataFrame, view: str, measure: str) -> str | None:
    """How many cells are equivalent to the teacher's, different from it or undecided, all seeds together; None if there
    is no cell.
    """
    if equivalence.is_empty():
        return None
    shown = equivalence.filter(pl.col("model") != BASE, view=view, measure=measure, level="cell")
    counts = [
        f"{readable(split)} {' / '.join(str(verdicts.count(verdict)) for verdict in EQUIVALENCES)}"
        for split in shown["split"].unique(maintain_order=True)
        for verdicts in [shown.filter(split=split)["verdict"].to_list()]
    ]
    margin = counted(f"{100 * equivalence['margin'][0]:.0f}", "percentage point")
    return wrapped(f"- Cells {' / '.join(EQUIVALENCES)} within {margin} of the teacher: {'; '.join(counts)}.")


def sensitivity_table(sensitivities: pl.DataFrame, view: str) -> list[str]:
    """What moves the choice in sample, and how much of it the student learnt, means over seeds; empty without any."""
    students = sensitivities.filter(split=IN_SAMPLE, view=view).with_columns(student=roles_of())
    means = students.group_by("student", "quantity", "factor").agg(pl.col("estimate", "low", "high").mean())
    shares = {(row["student"], row["factor"]): row["estimate"] for row in _of_quantity(means, "variance_share")}
    if (TEACHER, "context") not in shares:
        return []
    slopes = {row["factor"]: _learnt(row) for row in _of_quantity(means.filter(student="tuned"), "slope_on_teacher")}
    models = (TEACHER, BASE, "tuned")
    return markdown_table(
        ["in sample, % of the variance due to", *models, "learnt (1: all, 0: none)"],
        [
            [cause, *(percent(shares[model, factor]) for model in models), slopes.get(factor, "-")]
            for factor, cause in CAUSES.items()
        ],
    )


def _learnt(row: dict) -> str:
    """How much of the teacher's reaction was learnt, with its interval; no number where it may be none and all."""
    words = estimate(row["estimate"], row["low"], row["high"], two_places, undefined="none to learn")
    spans = row["low"] is not None and row["low"] <= 0 and row["high"] >= 1
    return f"unclear ({two_places(row['low'])} to {two_places(row['high'])})" if spans else words


def joint_line(joint: pl.DataFrame, view: str, confidence: float) -> str | None:
    """Who reacts otherwise than the teacher in sample, and how far the mean propensities are from the teacher's, by the
    joint model; None where it has no rows.
    """
    rows = joint.filter(split=IN_SAMPLE, view=view).with_columns(student=roles_of())
    reactions, means = [], []
    for student in (BASE, "tuned"):
        own = rows.filter(student=student)
        found = []
        for factor in ("context", "game"):
            p_values = own.filter(term=f"model:{factor}")["p_holm"]
            if other := int((p_values < 1 - confidence).sum()):
                found.append(factor + (f" ({other} of {len(p_values)} seeds)" if len(p_values) > 1 else ""))
        averages = own.filter(term="model").select(pl.col("estimate", "low", "high").mean()).rows()
        if averages and None not in averages[0]:
            reactions.append(f"{student}, {' and '.join(found) or 'none shown'}")
            means.append(f"{student}, {estimate(*averages[0], signed_points)}")
    if not means:
        return None
    told = f"- Reactions unlike the teacher's, in sample (joint model): {'; '.join(reactions)}."
    return wrapped(f"{told} Mean propensity less the teacher's, in percentage points: {'; '.join(means)}.")


def not_estimated_line(tables: Mapping[str, pl.DataFrame], view: str, measure: str) -> str | None:
    """What could not be estimated, of whom, where and why; None if all could be."""
    splits = tables["alignment"]["split"].n_unique()
    found: dict[tuple[str, str], tuple[dict, dict, dict]] = {}
    for name, (what, factor) in ESTIMATES.items():
        rows = tables[name].filter(pl.col("not_estimated").is_not_null(), view=view)
        if "measure" in rows.columns:
            rows = rows.filter(pl.col("predictor").is_in(["tuned", *BASELINES]), measure=measure)
        if "against" in rows.columns:
            rows = rows.filter(against=BASE)
        for row in rows.iter_rows(named=True):
            key = row["not_estimated"], what.format_map(row)
            factors, whom, where = found.setdefault(key, ({}, {}, {}))
            factors[factor.format_map(row)] = whom[role(row.get("model") or row["predictor"])] = None
            where[readable(row["split"])] = None
    parts: dict[tuple[str, str], list[str]] = {}
    for (reason, what), (factors, whom, where) in found.items():
        place = "every split" if len(where) == splits > 1 else listed([*where])
        parts.setdefault((reason, place), []).append(f"{what}{listed([*factors])} of {listed([*whom])}")
    told = "; ".join(f"{', '.join(whats)} ({place}): {reason}" for (reason, place), whats in parts.items())
    return wrapped(f"- Not estimated: {told.replace('_', ' ')}.") if told else None


def _of_quantity(sensitivities: pl.DataFrame, quantity: str) -> list[dict]:
    return sensitivities.filter(quantity=quantity).to_dicts()


# Games in which a number is named


def number_parts(means: pl.DataFrame, gaps: pl.DataFrame) -> list[tuple[list[str], list[str], list[str]]]:
    """Of each split of such games: what training did, a table, its terms. means, gaps: the tables of all of them."""
    parts = []
    for split in means["split"].unique(maintain_order=True):
        own = gaps.filter(level="split", split=split)
        exact = own.filter(teacher_answers=EXACT)
        # With a sampled teacher sampled gaps, since their intervals hold the students' noise as well.
        shown = exact if exact.height else own.filter(measure=SAMPLED)
        parts.append(_number_parts(means.filter(split=split), shown))
    return parts


def _number_parts(means: pl.DataFrame, gaps: pl.DataFrame) -> tuple[list[str], list[str], list[str]]:
    """The parts about one split."""
    # The standard error of the mean over cells; unknown where a cell has a single reply.
    errors = pl.col("standard_error")
    error = pl.when(errors.null_count() == 0).then(errors.pow(2).sum().sqrt() / pl.len()).alias("error")
    by_role = means.group_by(roles_of().alias("role")).agg(pl.col("mean", "option_mass").mean(), error)
    found = {row["role"]: row for row in by_role.to_dicts()}
    rows = {(row["quantity"], row["predictor"]): row for row in gaps.iter_rows(named=True)}
    name = f"- {readable(means['split'][0])} (not taught)"
    if TEACHER not in found:
        lead = f"{name}: no teacher answered."
    elif not rows:
        lead = f"{name}: not compared, since some model gave no readable reply in any cell."
    else:
        tuned = rows["mean", "tuned"]
        closed = f"; {gap_closed(tuned, ' %')} of the gap closed" if tuned["gap_closed"] is not None else ""
        lead = f"{name}: {_change(tuned)}{closed}."
    table = [
        [model, _with_error(found[model]), *_number_shares(rows, model), _mass(found[model])]
        for model in (TEACHER, BASE, "tuned")
        if model in found
    ]
    table += [
        [other, "-", *_number_shares(rows, predictor), "-"]
        for predictor, other in OTHERS.items()
        if ("mean", predictor) in rows
    ]
    notes = [
        "- mean: of the numbers named, with its standard error",
        "- alone: probability of a number and nothing else",
    ]
    if rows:
        notes += [
            f"- closed: share of the gap that training closed, %, {gaps['measure'][0]}; of the means, or of the whole"
        ]
        notes += ["  distributions (earth mover's distance)"]
    header = [readable(means["split"][0]), "mean", "closed, mean", "closed, distribution", "alone"]
    return [wrapped(lead)], markdown_table(header, table), notes


def _change(tuned: dict) -> str:
    """What training did to a gap. tuned: a row with the share closed and its interval."""
    if tuned["gap_closed"] is None:
        return f"not estimated, since {tuned['not_estimated']}"
    if tuned["low"] > 0:
        return "nearer to the teacher"
    return "farther from the teacher" if tuned["high"] < 0 else "no clear change"


def _number_shares(rows: Mapping[tuple[str, str], dict], predictor: str) -> list[str]:
    """What a predictor closes of each quantity's gap, a student with its interval; dashes for what closes none."""
    found = [rows.get((quantity, predictor)) for quantity in QUANTITIES]
    if predictor == "tuned":
        return [gap_closed(row, undefined="undefined") if row else "-" for row in found]
    return [percent(row["gap_closed"]) if row and predictor != BASE else "-" for row in found]


def _mass(row: dict) -> str:
    return f"{row['option_mass']:.2g}" if row["option_mass"] else "-"


def _with_error(row: dict) -> str:
    if row["mean"] is None:
        return "-"
    return f"{row['mean']:.2f} ({'unknown' if row['error'] is None else two_places(row['error'])})"
