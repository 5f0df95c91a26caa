"""What a run's games in which a number is named show, in words."""

import polars as pl

from tom.measuring.number_gaps import MIDDLE, QUANTITIES, UNIFORM
from tom.models import BASE, TEACHER, role
from tom.showing.findings import percent, wrapped
from tom.showing.names import readable

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
