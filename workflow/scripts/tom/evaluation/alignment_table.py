"""The alignment table: what each predictor closes of the base's gap to the teacher, in one view and measure.

Predictors: base; tuned-seed1, ...; tuned (the mean over the seeds); chance, constant, shift and nearest
(tom/evaluation/baselines.py);
noise_ceiling (the noise ceiling); paper_base and paper_tuned (the published students, measured from the published
teacher and base).
"""

import numpy as np
import polars as pl

from tom.core.roles import BASE, TEACHER
from tom.evaluation.aligned_counts import AlignedCounts
from tom.evaluation.alignment import (
    Gap,
    closed_interval,
    closed_reach,
    distance,
    gap_closed,
    lead_interval,
    mean_gap,
    noise_gap,
)
from tom.evaluation.baselines import BASELINES, CHANCE, fit_constant, fit_offset, nearest_cell, shifted
from tom.evaluation.improvement import improvement, published_improvement, summarise_improvements
from tom.statistics.resampling import Counted, Known
from tom.statistics.uncertainty import Uncertainty

COLUMNS = {
    "split": pl.String,
    "view": pl.String,
    "measure": pl.String,
    "predictor": pl.String,
    "cells": pl.Int64,
    "cells_unreadable": pl.Int64,  # left out, because a model gave no readable reply there
    "gap": pl.Float64,  # mean distance in propensity, 0 to 1
    "gap_closed": pl.Float64,  # share of the base's gap, 1 at best
    "low": pl.Float64,
    "high": pl.Float64,
    "confidence": pl.Float64,
    "seeds": pl.Int64,  # how many students `tuned` is the mean of
    "seed_sd": pl.Float64,  # of gap_closed between them, with two or more; the intervals hold for these very seeds
    "chance_lead": pl.Float64,  # gap closed beyond chance's, with its interval; likewise below
    "chance_low": pl.Float64,
    "chance_high": pl.Float64,
    "constant_lead": pl.Float64,
    "constant_low": pl.Float64,
    "constant_high": pl.Float64,
    "offset_lead": pl.Float64,
    "offset_low": pl.Float64,
    "offset_high": pl.Float64,
    "nearest_lead": pl.Float64,
    "nearest_low": pl.Float64,
    "nearest_high": pl.Float64,
    "fitted": pl.Float64,  # the propensity of chance and constant, the shift of shift
    "mean_improvement": pl.Float64,  # percent, the paper's headline
    "median_improvement": pl.Float64,  # percent
    "cells_without_gap": pl.Int64,  # left out of both, because base and teacher are equal there
}


def alignment_table(rows: list[dict], confidence: float) -> pl.DataFrame:
    """Alignment rows as a table of COLUMNS; what is not defined is null."""
    rows = [{name: row.get(name) for name in COLUMNS} | {"confidence": confidence} for row in rows]
    return pl.DataFrame(rows, schema=COLUMNS).fill_nan(None)


def align(part: AlignedCounts, reference: AlignedCounts, uncertainty: Uncertainty, *names: str) -> list[dict]:
    """Rows of COLUMNS for the base, the tuned students, the baselines and the ceiling.

    reference: the in-sample cells on which the baselines are fitted. names: of the table, to seed its draws.
    """
    fitted = {
        "chance": CHANCE,
        "constant": fit_constant(reference.teacher.rates()),
        "offset": fit_offset(reference.teacher.rates(), reference.base.rates()),
    }
    nearest = nearest_cell(part.cells, reference.cells, reference.teacher.rates())
    gaps = _gaps(part, fitted, nearest, uncertainty, *names)
    exact = isinstance(part.base, Known)
    ceiling = noise_gap(part.teacher, exact)
    rates, base_rates = part.teacher.rates(), part.base.rates()
    reaches, summaries = {}, {}
    for name, student in part.tuned.items():
        generator = uncertainty.generator(*names, name, "reach")
        reaches[name] = closed_reach(
            part.teacher, student, part.base, uncertainty.draws, uncertainty.confidence, generator
        )
        summaries[name] = summarise_improvements(improvement(base_rates, student.rates(), rates))
    # A mean of upper limits is an upper limit of the mean.
    reaches["tuned"] = float(np.mean(list(reaches.values())))
    summaries["tuned"] = {
        # The last column is the same for each seed: it is about base and teacher.
        **next(iter(summaries.values())),
        **{
            key: float(np.mean([summary[key] for summary in summaries.values()]))
            for key in ("mean_improvement", "median_improvement")
        },
        **_spread([gap_closed(gaps[name].estimate, gaps[BASE].estimate) for name in part.tuned]),
    }

    rows = []
    for name, gap in gaps.items():
        row = _gap_columns(name, gap, gaps[BASE], uncertainty.confidence, reaches.get(name, float("nan")))
        if name in summaries:
            row |= summaries[name]
            for baseline in BASELINES:
                lead = lead_interval(gap, gaps[baseline], gaps[BASE], uncertainty.confidence)
                row |= dict(zip((f"{baseline}_{column}" for column in ("lead", "low", "high")), lead, strict=True))
        rows.append(row | {"fitted": fitted.get(name)})
    rows.append(
        {
            "predictor": "noise_ceiling",
            "gap": ceiling,
            "gap_closed": float(gap_closed(ceiling, gaps[BASE].estimate)),
        }
    )
    return [row | {"cells": len(part.cells), "cells_unreadable": part.unreadable} for row in rows]


def align_published(published: dict[str, Counted], uncertainty: Uncertainty, split: str) -> list[dict]:
    """Rows of COLUMNS for the paper's own base and tuned student, measured from the paper's own teacher and base."""
    teacher = published["teacher"]
    redrawn = {
        name: answers.redrawn(uncertainty.draws, uncertainty.generator("published", split, name))
        for name, answers in published.items()
    }
    gaps = {
        f"paper_{name}": Gap(
            float(distance(teacher.rates(), published[name].rates())), distance(redrawn["teacher"], redrawn[name])
        )
        for name in ("base", "tuned")
    }
    generator = uncertainty.generator("published", split, "reach")
    reach = closed_reach(
        teacher, published["tuned"], published["base"], uncertainty.draws, uncertainty.confidence, generator
    )
    percents = published_improvement(published)
    rows = [
        _gap_columns(
            name, gap, gaps["paper_base"], uncertainty.confidence, reach if name == "paper_tuned" else float("nan")
        )
        for name, gap in gaps.items()
    ]
    rows[-1] |= summarise_improvements(percents)
    return [row | {"cells": len(percents), "cells_unreadable": 0} for row in rows]


def _gaps(
    part: AlignedCounts, fitted: dict[str, float], nearest: np.ndarray, uncertainty: Uncertainty, *names: str
) -> dict[str, Gap]:
    """The gap of every predictor but the ceiling; all share one set of resampled teachers and bases."""
    rates, base_rates = part.teacher.rates(), part.base.rates()
    teacher_draws = part.teacher.redrawn(uncertainty.draws, uncertainty.generator(*names, TEACHER))
    base_draws = part.base.redrawn(uncertainty.draws, uncertainty.generator(*names, BASE))

    def gap(estimate: np.ndarray | float, draws: np.ndarray | float) -> Gap:
        return Gap(float(distance(rates, estimate)), distance(teacher_draws, draws))

    students = {
        name: gap(student.rates(), student.redrawn(uncertainty.draws, uncertainty.generator(*names, name)))
        for name, student in part.tuned.items()
    }
    return {
        BASE: gap(base_rates, base_draws),
        **students,
        "tuned": mean_gap(list(students.values())),
        "chance": gap(fitted["chance"], fitted["chance"]),
        "constant": gap(fitted["constant"], fitted["constant"]),
        "offset": gap(shifted(base_rates, fitted["offset"]), shifted(base_draws, fitted["offset"])),
        "nearest": gap(nearest, nearest),
    }


def _gap_columns(name: str, gap: Gap, base: Gap, confidence: float, reach: float) -> dict:
    closed, low, high = closed_interval(gap, base, confidence, reach)
    return {"predictor": name, "gap": gap.estimate, "gap_closed": closed, "low": low, "high": high}


def _spread(closed: list[float]) -> dict:
    """How many seeds, and the standard deviation between them, which one seed does not have."""
    return {"seeds": len(closed), "seed_sd": float(np.std(closed, ddof=1)) if len(closed) > 1 else None}
