"""What a table of breadth shows, in sentences: how far students got, what is ahead of them, and under which labels."""

import polars as pl

from tom.evaluation.breadth import AS_TAUGHT, CONSTANT, NOISE_CEILING, TUNED
from tom.evaluation.payoff_models import PAYOFF_MODELS
from tom.reporting.wording import PAYOFF_MODEL_NAMES, counted, estimate, listed, readable, wrapped


def breadth_lines(table: pl.DataFrame) -> list[str]:
    """The sentences about one split. table: of tom/evaluation/breadth.py."""
    tuned = table.filter(predictor=TUNED).sort("games")
    taught = tuned.filter(labels=AS_TAUGHT, exchanged=False).to_dicts()
    most = taught[-1]
    beside = table.filter(games=most["games"], labels=AS_TAUGHT, exchanged=False)
    gaps = {row["predictor"]: row["gap"] for row in beside.iter_rows(named=True)}
    curve = ", ".join(f"{_share(row)} after {counted(row['games'], 'game')}" for row in taught)
    others = listed([f"the {PAYOFF_MODEL_NAMES[name]} {_gap(gaps[name])}" for name in PAYOFF_MODELS])
    lines = [
        f"- {readable(most['split'])} (not taught): of the best constant's gap to the teacher, the student closes in"
        f" percent {curve}.",
        f"After {counted(most['games'], 'game')} it is {_gap(most['gap'])} from the teacher; the best constant"
        f" {_gap(gaps[CONSTANT])}, {others}{_ceiling(table)}. {_leads(most)}",
    ]
    asked = tuned.filter((pl.col("labels") != AS_TAUGHT) | pl.col("exchanged"), games=most["games"])
    if asked.height:
        told = listed([f"{_share(row)} with {_labels(row)}" for row in asked.iter_rows(named=True)])
        lines.append(f"Asked otherwise, it closes {told}.")
    return [wrapped(" ".join(lines))]


def _share(row: dict) -> str:
    return estimate(row["closed"], row["closed_low"], row["closed_high"], undefined="no measurable share")


def _gap(gap: float | None) -> str:
    return "-" if gap is None else f"{gap:.3f}"


def _ceiling(table: pl.DataFrame) -> str:
    found = table.filter(predictor=NOISE_CEILING)["gap"].to_list()
    return f", and sampling noise alone {_gap(found[0])}" if found else ""


def _leads(row: dict) -> str:
    """Which of the predictors that are given payoffs a student is ahead of. row: a student's."""
    verdicts: dict[str, list[str]] = {}
    for name in PAYOFF_MODELS:
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        if low is not None:
            verdict = "ahead of" if low > 0 else "behind" if high < 0 else "not distinguishable from"
            verdicts.setdefault(verdict, []).append(f"the {PAYOFF_MODEL_NAMES[name]}")
    told = "; ".join(f"{verdict} {listed(names)}" for verdict, names in verdicts.items())
    return f"The student is {told}." if told else ""


def _labels(row: dict) -> str:
    name = "C and D" if row["labels"] == AS_TAUGHT else f"the labels {row['labels'].replace('_', ' ')}"
    return f"{name} exchanged" if row["exchanged"] else name
