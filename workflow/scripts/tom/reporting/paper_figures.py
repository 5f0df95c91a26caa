"""The paper's stated figures compared with what its counts give, with an interval and a verdict in words."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from tom.core.errors import UserError
from tom.core.frames import frame_of, table_schema
from tom.evaluation.baselines import CHANCE
from tom.evaluation.improvement import improvement
from tom.reporting.wording import describe_leads
from tom.statistics.fieller import INTERVAL, RatioSet

Tables = dict[str, pl.DataFrame]
"""Table → its rows of all splits; the models are `teacher`, `base` and `tuned`."""


@dataclass(frozen=True)
class Recomputed:
    """A figure from the counts, in its own unit.

    interval: how low and high were found. verdict: what the figure supports, None where it only describes the counts.
    """

    recomputed: float
    low: float | None = None
    high: float | None = None
    interval: str | None = None
    verdict: str | None = None


def read_stated(file: str | Path) -> pl.DataFrame:
    """The stated figures: figure, stated, decimals, unit, origin. Errors: UserError names the file."""
    try:
        return pl.read_csv(file, schema_overrides={"stated": pl.Float64}).select(
            "figure", "stated", "decimals", "unit", "origin"
        )
    except (FileNotFoundError, pl.exceptions.PolarsError) as error:
        raise UserError(f"{file}: no table of stated figures ({str(error).splitlines()[0]})") from None


def compare(stated: pl.DataFrame, found: dict[str, Recomputed]) -> pl.DataFrame:
    """The table figures: one row for each stated figure. Errors: UserError for a figure that is not recomputed.

    agrees: the recomputed figure is within half a unit of the stated figure's last place.
    """
    rows = []
    for row in stated.iter_rows(named=True):
        if row["figure"] not in found:
            raise UserError(f"stated figures: '{row['figure']}' is none of {', '.join(sorted(found))}")
        figure = found[row["figure"]]
        agrees = abs(figure.recomputed - row["stated"]) <= 0.5 * 10.0 ** -row["decimals"] + 1e-9
        rows.append({name: row[name] for name in ("figure", "stated", "unit", "origin")} | asdict(figure))
        rows[-1]["agrees"] = bool(agrees)
    return frame_of(rows, table_schema("figures"))


def recompute(
    tables: Tables, given: dict[str, np.ndarray], contributions: pl.DataFrame, ratios: RatioSet
) -> dict[str, Recomputed]:
    """Figure → its recomputed value.

    tables: of the paper's counts. given: model → contributions in dollars, (replies,). contributions: the table of this
    name. ratios: Fieller's set of the improvement of the mean contribution.
    """
    found = {}
    for split in tables["alignment"]["split"].unique(maintain_order=True):
        found |= {f"{split}.{name}": figure for name, figure in _of_split(tables, split)}
    shares = tables["sensitivities"].filter(split="in_sample", model="teacher", quantity="variance_share")
    noise = 100 * shares.filter(factor="noise")["estimate"][0]
    for factor in ("context", "game"):
        row = shares.filter(factor=factor).to_dicts()[0]
        verdict = f"sampling noise alone would give all factors together {noise:.1f}"
        found[f"in_sample.teacher_{factor}_share"] = Recomputed(
            *(100 * row[name] for name in ("estimate", "low", "high")), "symmetric bootstrap", verdict
        )
    found |= _table_1(tables["reactions"])
    return found | _public_goods(given, contributions, ratios)


def _of_split(tables: Tables, split: str) -> Iterator[tuple[str, Recomputed]]:
    summaries = {
        row["statistic"]: row for row in tables["improvements_in_counts"].filter(split=split).iter_rows(named=True)
    }
    of_rates = dict(tables["improvement_summaries"].filter(split=split).select("statistic", "estimate").rows())
    predictors = {row["predictor"]: row for row in tables["alignment"].filter(split=split).iter_rows(named=True)}
    tuned, chance = predictors["tuned"], predictors["chance"]
    whole = {
        row["model"]: row for row in tables["equivalence"].filter(split=split, level="split").iter_rows(named=True)
    }
    cells = tables["improvements"].filter(split=split)
    by_chance = improvement(cells["base"].to_numpy(), CHANCE, cells["teacher"].to_numpy())
    context = tables["generalisation"].filter(split=split, predictor="tuned", against="base").to_dicts()[0]
    for name in ("mean", "median"):
        row, of_chance = summaries[name], float({"mean": np.nanmean, "median": np.nanmedian}[name](by_chance))
        verdict = f"chance's is {of_chance:.1f}" + (", so it shows no gain" if of_chance >= row["estimate"] else "")
        if round(of_rates[name], 2) != round(row["estimate"], 2):
            verdict += f"; {of_rates[name]:.2f} in rates"
        if row["low"] <= 0 <= row["high"]:
            verdict = f"can't tell gain from harm: its interval holds 0; {verdict}"
        yield (
            f"{name}_improvement",
            Recomputed(row["estimate"], row["low"], row["high"], "symmetric bootstrap", verdict),
        )
    yield "base_gap", Recomputed(predictors["base"]["gap"])
    yield "tuned_gap", Recomputed(tuned["gap"])
    verdict = f"{describe_leads(tuned)}; with contexts as the sample {_points(context)} points nearer than the base"
    yield (
        "gap_closed",
        Recomputed(
            *(100 * tuned[name] for name in ("gap_closed", "low", "high")), "symmetric bootstrap with reach", verdict
        ),
    )
    yield (
        "chance_closed",
        Recomputed(
            *(100 * chance[name] for name in ("gap_closed", "low", "high")),
            "symmetric bootstrap",
            "needs no student",
        ),
    )
    yield "teacher_cooperation", Recomputed(whole["tuned"]["teacher"])
    for model in ("base", "tuned"):
        row = whole[model]
        low, high = (row["student"] - row["difference"] + row[name] for name in ("low", "high"))
        verdict = f"its mean is {row['verdict']}: {100 * row['difference']:+.1f} points from the teacher's"
        yield (
            f"{model}_cooperation",
            Recomputed(row["student"], low, high, "of the difference from the teacher", verdict),
        )


def _points(row: dict) -> str:
    return " ".join([f"{100 * row['lead']:.1f}", f"({100 * row['low']:.1f} to {100 * row['high']:.1f})"])


def _table_1(reactions: pl.DataFrame) -> dict[str, Recomputed]:
    """The number of cells that react, at the level of the paper's stated counts whatever the run's confidence."""
    level = 0.05
    found = {}
    for model in ("teacher", "base", "tuned"):
        cells = reactions.filter(model=model)
        adjusted = int((cells["p_holm"] < level).sum())
        chance = f"{level * cells.height:.0f} would be below .05 without any reaction"
        verdict = f"{adjusted} of {cells.height} stand with Holm; {chance}"
        found[f"table_1.{model}_cells"] = Recomputed(float((cells["p_value"] < level).sum()), verdict=verdict)
    return found


def _public_goods(given: dict[str, np.ndarray], contributions: pl.DataFrame, ratios: RatioSet) -> dict[str, Recomputed]:
    means = {model: float(values.mean()) for model, values in given.items()}
    percent = float(improvement(means["base"], means["tuned"], means["teacher"]))
    amounts = np.unique(np.concatenate(list(given.values())))
    verdict = (
        f"one game and one prompt: the interval is about its replies, not about other games; all replies give"
        f" {' or '.join(str(amount) for amount in amounts)} dollars"
    )
    bounds = (ratios.low, ratios.high) if ratios.kind == INTERVAL else (None, None)
    found = {"public_goods.improvement": Recomputed(percent, *bounds, "Fieller", verdict)}
    for row in contributions.iter_rows(named=True):
        found[f"public_goods.{row['model']}_mean"] = Recomputed(row["mean"], row["low"], row["high"], "normal")
        found[f"public_goods.{row['model']}_sd"] = Recomputed(row["sd"])
    return found
