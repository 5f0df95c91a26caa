"""What tuning did to a student beside the games: probes before and after, paired.

text: bits for each byte of a neutral answer; whatever the tokeniser, bytes are the same. instruction: bits of the
expected reply as the whole reply, since a small model gives it a probability of thousandths. Of bits fewer are better.
comprehension: probability of the right payoff
among a game's payoffs as whole replies; chance's is a quarter where all four differ.
"""

import math

import polars as pl
from scipy.stats import ttest_1samp

from tom.core.errors import UserError
from tom.core.roles import BASE
from tom.prompts.probes import COMPREHENSION, INSTRUCTION, TEXT, Probe

PROBE_COLUMNS = {
    "model": pl.String,
    "kind": pl.String,
    "probe": pl.String,
    "value": pl.Float64,
    "right": pl.Boolean,
    "model_sha256": pl.String,
    "adapter_sha256": pl.String,
}
MEASURES = {
    (TEXT, "value"): ("bits per byte", -1),
    (INSTRUCTION, "value"): ("bits", -1),
    (COMPREHENSION, "value"): ("probability", 1),
    (COMPREHENSION, "right"): ("share right", 1),
}
"""Kind and column of the probes → the measure's name, and whether more of it is better or worse."""
COLUMNS = {
    "kind": pl.String,
    "measure": pl.String,
    "model": pl.String,
    "probes": pl.Int64,
    "base": pl.Float64,
    "tuned": pl.Float64,
    "difference": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "verdict": pl.String,
    "confidence": pl.Float64,
}


def probe_row(probe: Probe, logarithms: tuple[float, ...], fields: dict) -> dict:
    """A row of PROBE_COLUMNS from the log-probabilities of the probe's whole replies, the expected one first."""
    expected = logarithms[0]
    row = fields | {"kind": probe.kind, "probe": probe.name}
    if probe.kind != COMPREHENSION:
        size = len(probe.replies[0].encode()) if probe.kind == TEXT else 1
        return row | {"value": -expected / math.log(2) / size, "right": None}
    top = max(logarithms)
    whole = sum(math.exp(one - top) for one in logarithms)
    return row | {"value": math.exp(expected - top) / whole, "right": expected == top}


def collateral(probes: pl.DataFrame, confidence: float) -> pl.DataFrame:
    """One row for each kind, measure and tuned student: its mean, the base's, and their paired difference.

    Student's t over probes, so the interval is about probes of this kind, not about these alone. verdict: worse or
    better where the interval leaves out 0, else undecided. Errors: UserError unless all models met the same probes.
    """
    base = probes.filter(model=BASE).drop("model", "model_sha256", "adapter_sha256")
    rows = []
    for model in sorted(set(probes["model"]) - {BASE}):
        both = base.join(probes.filter(model=model), on=["kind", "probe"], suffix="_tuned", how="full", coalesce=True)
        if both.null_count().select("value", "value_tuned").sum_horizontal().item():
            raise UserError(f"probes: base and {model} did not meet the same ones")
        for (kind, column), (measure, better) in MEASURES.items():
            part = both.filter(kind=kind)
            before, after = (part[name].cast(pl.Float64) for name in (column, f"{column}_tuned"))
            found = _paired(before, after, confidence, better)
            rows.append({"kind": kind, "measure": measure, "model": model, "probes": part.height} | found)
    return pl.DataFrame([row | {"confidence": confidence} for row in rows], schema=COLUMNS).fill_nan(None)


def _paired(before: pl.Series, after: pl.Series, confidence: float, better: int) -> dict:
    difference = (after - before).to_numpy()
    if (difference == difference[0]).all():
        low = high = float(difference[0])
    else:
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
