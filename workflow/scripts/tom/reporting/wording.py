"""What a run's games in which a number is named show, in words."""

import re
from textwrap import wrap

import polars as pl

from tom.core.roles import BASE, TEACHER, role
from tom.evaluation.baselines import BASELINES
from tom.evaluation.number_gaps import MIDDLE, QUANTITIES, UNIFORM
from tom.games.game import ORDER_MARK, ORDINAL
from tom.games.rescaling import SCALE_MARK, SHIFT_MARKS

WIDTH = 110


def percent(share: float | None) -> str:
    """0.334 → `33`; `-` where nothing is defined."""
    return "-" if share is None else f"{round(100 * share)}"


def wrapped(text: str) -> str:
    """A list's item, broken into lines."""
    return "\n".join(wrap(text, WIDTH, subsequent_indent="  "))


def readable(name: str) -> str:
    """`in_sample` → `In sample`; `Prisoner's dilemma ×2`, `Ordinal TRPS`, `Stag hunt −4` of `stag_hunt-minus4`."""
    text = re.sub(rf"{SCALE_MARK}([\d.]+)(?=$|-)", r" ×\1", name)
    for mark, sign in SHIFT_MARKS.items():
        text = re.sub(rf"{mark}([\d.]+)$", rf" {'+' if sign > 0 else '−'}\1", text)
    text = re.sub(rf"^{ORDINAL}{ORDER_MARK}(\w+)", lambda found: f"{ORDINAL} {found[1].upper()}", text)
    text = text.replace("prisoners_", "prisoner's_").replace("travellers_", "traveller's_").replace("_", " ")
    return text[:1].upper() + text[1:]


NAMES = {name: f"the {name}" for name in BASELINES} | {"chance": "chance", "nearest": "the nearest cell"}


def describe_lead(row: dict, baseline: str) -> str:
    """How a student does against a baseline, by the interval of the difference; row: of the alignment table."""
    low, high = row[f"{baseline}_low"], row[f"{baseline}_high"]
    if low is None:
        return "not to be compared with"
    if low > 0:
        return "beats"
    return "falls short of" if high < 0 else "not to be told from"


def describe_leads(row: dict) -> str:
    """The same against every baseline, and what follows where one of them does as well."""
    leads: dict[str, list[str]] = {}
    for baseline in BASELINES:
        leads.setdefault(describe_lead(row, baseline), []).append(NAMES[baseline])
    words = "; ".join(f"{lead} {listed(names)}" for lead, names in leads.items())
    return words if beats_all(row) else f"{words}, so this is no gain over what needs no student"


def beats_all(row: dict) -> bool:
    """Whether a student beats every baseline that it can be compared with; row: of the alignment table."""
    return {describe_lead(row, baseline) for baseline in BASELINES} <= {"beats", "not to be compared with"}


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


OTHERS = {UNIFORM: "every number alike", MIDDLE: "the middle number", "paper_tuned": "the paper's student"}
"""Predictors that stand beside the tuned student."""


def number_lines(means: pl.DataFrame, gaps: pl.DataFrame) -> list[str]:
    """A paragraph for each split of such games; means, gaps: the tables of all such splits."""
    sampled = gaps.filter(level="split", measure="sampled")
    return [
        wrapped(" ".join(_sentences(means.filter(split=split), sampled.filter(split=split))))
        for split in means["split"].unique(maintain_order=True)
    ]


def _sentences(means: pl.DataFrame, gaps: pl.DataFrame) -> list[str]:
    """The sentences about one split, from its sampled gaps, whose intervals hold the students' noise as well."""
    by_role = means.group_by(pl.col("model").map_elements(role, return_dtype=pl.String).alias("role"))
    # Of several replies' means, the standard error of their mean; a mean of one reply has none.
    errors = pl.col("standard_error")
    error = pl.when(errors.null_count() == 0).then(errors.pow(2).sum().sqrt() / pl.len()).alias("error")
    found = {row["role"]: row for row in by_role.agg(pl.col("mean", "option_mass").mean(), error).to_dicts()}
    told = ", ".join(f"{name} {_with_error(found[name])}" for name in (TEACHER, BASE, "tuned") if name in found)
    first = f"- {readable(means['split'][0])} (not taught), mean number: {told}."
    masses = [f"{name} {found[name]['option_mass']:.2g}" for name in (BASE, "tuned") if found[name]["option_mass"]]
    mass = [f"A reply is a number alone with probability {', '.join(masses)}."] if masses else []
    if TEACHER not in found:
        return [first, "No teacher answered.", *mass]
    if not gaps.height:
        return [first, "Not compared: some model gave no readable reply in any cell."]
    rows = {(row["quantity"], row["predictor"]): row for row in gaps.iter_rows(named=True)}
    beside = ", ".join(
        f"{name} {' and '.join(percent(rows[quantity, predictor]['gap_closed']) for quantity in QUANTITIES)}"
        for predictor, name in OTHERS.items()
        if ("mean", predictor) in rows
    )
    return [
        first,
        f"Closed of the gap, in %: in the mean {_closed(rows['mean', 'tuned'])}, in the distribution (earth mover's)"
        f" {_closed(rows['distribution', 'tuned'])}; {beside}.",
        *mass,
    ]


def _closed(row: dict) -> str:
    if row["gap_closed"] is None:
        return "undefined"
    return f"{percent(row['gap_closed'])} ({percent(row['low'])} to {percent(row['high'])})"


def _with_error(row: dict) -> str:
    if row["mean"] is None:
        return "-"
    return f"{row['mean']:.2f} (standard error {'unknown' if row['error'] is None else format(row['error'], '.2f')})"
