"""What tuning did to a student outside the games: probes of base and tuned student, paired.

text: bits per byte of a neutral answer; bytes do not depend on the tokeniser. instruction: bits of the expected reply
as the whole reply, in bits because a small model gives it a probability of thousandths. Fewer bits are better.
comprehension: probability of the right payoff among a game's payoffs as whole replies; by chance it is a quarter where
all four differ.
"""

import math

import polars as pl

from tom.core.errors import UserError
from tom.core.frames import frame_of, table_schema
from tom.core.roles import BASE
from tom.prompts.probes import COMPREHENSION, INSTRUCTION, TEXT, Probe

PROBE_COLUMNS = table_schema("probes")

MEASURES = {
    (TEXT, "value"): ("bits per byte", -1),
    (INSTRUCTION, "value"): ("bits", -1),
    (COMPREHENSION, "value"): ("probability", 1),
    (COMPREHENSION, "right"): ("share right", 1),
}
"""Kind and column of the probes → the measure's name, and 1 or -1 where more of it is better or worse."""


def probe_row(probe: Probe, logarithms: tuple[float, ...], fields: dict) -> dict:
    """A row of the table probes. logarithms: log-probabilities of the probe's whole replies, the expected one first."""
    expected = logarithms[0]
    row = fields | {"kind": probe.kind, "probe": probe.name}
    if probe.kind != COMPREHENSION:
        size = len(probe.replies[0].encode()) if probe.kind == TEXT else 1
        return row | {"value": -expected / math.log(2) / size, "right": None}
    top = max(logarithms)
    whole = sum(math.exp(one - top) for one in logarithms)
    return row | {"value": math.exp(expected - top) / whole, "right": expected == top}


def collateral(probes: pl.DataFrame, confidence: float) -> pl.DataFrame:
    """The table: one row for each kind, measure and tuned student, with the paired difference from the base.

    probes: rows of the table probes. The interval is Student's t over probes: it is about probes of this kind in
    general, not about these alone. One probe has no interval. verdict: better or worse where the interval excludes
    0, else undecided.
    Errors: UserError unless all models were given the same probes.
    """
    base = probes.filter(model=BASE).drop("model", "model_sha256", "adapter_sha256")
    rows = []
    for model in sorted(set(probes["model"]) - {BASE}):
        both = base.join(probes.filter(model=model), on=["kind", "probe"], suffix="_tuned", how="full", coalesce=True)
        if both.null_count().select("value", "value_tuned").sum_horizontal().item():
            raise UserError(f"probes: {BASE} and {model} were not given the same probes")
        for (kind, column), (measure, better) in MEASURES.items():
            part = both.filter(kind=kind)
            before, after = (part[name].cast(pl.Float64) for name in (column, f"{column}_tuned"))
            found = _paired(before, after, confidence, better)
            rows.append({"kind": kind, "measure": measure, "model": model, "probes": part.height} | found)
    return frame_of([row | {"confidence": confidence} for row in rows], table_schema("collateral"))


def _paired(before: pl.Series, after: pl.Series, confidence: float, better: int) -> dict:
    difference = (after - before).to_numpy()
    if len(difference) < 2:
        mean = float(difference[0]) if len(difference) else None
        shown = {"base": before.mean(), "tuned": after.mean(), "difference": mean, "verdict": "undecided"}
        return shown | {"not_estimated": "there are fewer than two probes"}
    if (difference == difference[0]).all():
        low = high = float(difference[0])
    else:
        from scipy.stats import ttest_1samp

        low, high = map(float, ttest_1samp(difference, 0).confidence_interval(confidence))
    ahead = {True: "better", False: "worse"}
    verdict = "undecided" if low <= 0 <= high else ahead[(low > 0) == (better > 0)]
    return {
        "base": before.mean(),
        "tuned": after.mean(),
        "difference": float(difference.mean()),
        "low": low,
        "high": high,
        "verdict": verdict,
    }
