"""What the tables of a run, or of the paper's counts, show in words."""

import polars as pl

from tom.config.study import IN_SAMPLE
from tom.core.roles import BASE, TEACHER, role
from tom.reporting.wording import percent, readable, wrapped
from tom.statistics.equivalence import EQUIVALENCES


def describe_contexts(row: dict) -> str:
    """The lead over the base with contexts as the sample, in points; row: of the generalisation table."""
    counted = f"Nearer than the base in {row['contexts_nearer']} of {row['contexts']} contexts"
    if row["low"] is None:
        return f"{counted}: too few to say more"
    lead, low, high = (percent(row[name]) for name in ("lead", "low", "high"))
    return f"{counted}; by {lead} ({low} to {high}) points for contexts at large"


def equivalence_line(equivalence: pl.DataFrame, view: str, measure: str) -> str:
    """How many cells are the teacher's, another, or neither shown, all seeds together."""
    shown = equivalence.filter(pl.col("model") != BASE, view=view, measure=measure, level="cell")
    counts = [
        f"{readable(split)} {' / '.join(str(verdicts.count(verdict)) for verdict in EQUIVALENCES)}"
        for split in shown["split"].unique(maintain_order=True)
        for verdicts in [shown.filter(split=split)["verdict"].to_list()]
    ]
    margin = 100 * equivalence["margin"][0]
    return wrapped(
        f"- Cells {' / '.join(EQUIVALENCES)} within {margin:.0f} points of the teacher: {'; '.join(counts)}."
    )


def sensitivity_line(sensitivities: pl.DataFrame, view: str) -> str | None:
    """What moves the choice in sample, and how much of it the student learnt; None where nothing was found."""
    students = sensitivities.filter(split=IN_SAMPLE, view=view).with_columns(
        student=pl.col("model").map_elements(role, return_dtype=pl.String)
    )
    means = students.group_by("student", "quantity", "factor").agg(pl.col("estimate", "low", "high").mean())
    shares = {(row["student"], row["factor"]): row["estimate"] for row in of_quantity(means, "variance_share")}
    if (TEACHER, "context") not in shares:
        return None
    parts = [
        f"{name} {' / '.join(percent(shares[name, factor]) for factor in ('context', 'game', 'noise'))}"
        for name in (TEACHER, BASE, "tuned")
    ]
    slopes = {
        row["factor"]: "none to learn"
        if row["estimate"] is None
        else f"{row['estimate']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
        for row in of_quantity(means.filter(student="tuned"), "slope_on_teacher")
    }
    return wrapped(
        f"- In sample, variance from context / game / of it noise, %: {', '.join(parts)}. Sensitivity learnt (1: the"
        f" teacher's, 0: none): to context {slopes['context']}, to game {slopes['game']}."
    )


def joint_line(joint: pl.DataFrame, view: str, confidence: float) -> str | None:
    """Whose sensitivity is another than the teacher's in sample, by the joint model; None where it has no rows."""
    rows = joint.filter(split=IN_SAMPLE, view=view).with_columns(
        student=pl.col("model").map_elements(role, return_dtype=pl.String)
    )
    parts = []
    for student in (BASE, "tuned"):
        own = rows.filter(student=student)
        found = []
        for factor in ("context", "game"):
            p_values = own.filter(term=f"model:{factor}")["p_holm"]
            if other := int((p_values < 1 - confidence).sum()):
                found.append(f"to {factor}" + (f" ({other} of {len(p_values)} seeds)" if len(p_values) > 1 else ""))
        means = own.filter(term="model").select(pl.col("estimate", "low", "high").mean()).rows()
        if means and None not in means[0]:
            mean, low, high = (f"{100 * value:+.1f}" for value in means[0])
            parts.append(f"{student} {' and '.join(found) or 'none shown'}, mean {mean} ({low} to {high}) points")
    return (
        wrapped(f"- Sensitivity other than the teacher's (joint model, Holm): {'; '.join(parts)}.") if parts else None
    )


def of_quantity(sensitivities: pl.DataFrame, quantity: str) -> list[dict]:
    """The rows of one quantity."""
    return sensitivities.filter(quantity=quantity).to_dicts()
