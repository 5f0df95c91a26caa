"""The alignment table: what each predictor closes of the base's gap to the teacher, in one view and measure.

Predictors: base; tuned-seed1, ...; tuned (the mean over the seeds); the baselines chance, constant, offset and nearest
(tom/evaluation/baselines.py); noise_ceiling (the expected gap of a perfect student); paper_base and paper_tuned (the
published students, measured from the published teacher and base).
"""

import numpy as np
import polars as pl

from tom.core.frames import frame_of, table_schema
from tom.core.roles import BASE, TEACHER
from tom.evaluation.aligned_counts import AlignedCounts
from tom.evaluation.alignment import (
    NO_GAP,
    Gap,
    closed_interval,
    closed_reach,
    distance,
    gap_closed,
    lead_interval,
    mean_gap,
    noise_gap,
)
from tom.evaluation.baselines import BASELINES, Baselines
from tom.evaluation.improvement import improvement, published_improvement, summarise_improvements
from tom.statistics.resampling import Counted, Known, Uncertainty

NOTHING_IN_SAMPLE = "there is no other in-sample cell to predict from"


def alignment_table(rows: list[dict], confidence: float) -> pl.DataFrame:
    """Rows of `align` and `align_published` as the table alignment; what is not defined is null."""
    return frame_of([row | {"confidence": confidence} for row in rows], table_schema("alignment"))


def align(part: AlignedCounts, reference: AlignedCounts, uncertainty: Uncertainty, *names: str) -> list[dict]:
    """Rows of the table for the base, the tuned students, the baselines and the noise ceiling.

    reference: the in-sample cells on which the baselines are fitted. names: those of the table, which seed its draws.
    """
    measured = {"cells": len(part.cells), "cells_unreadable": part.unreadable}
    if not part.cells:
        predictors = [BASE, *part.tuned, "tuned", *BASELINES, "noise_ceiling"]
        return [measured | {"predictor": name, "not_estimated": part.not_estimated} for name in predictors]
    baselines = Baselines.fit(part, reference)
    gaps = _gaps(part, baselines, uncertainty, *names)
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
    # The mean of upper limits is an upper limit of the mean.
    reaches["tuned"] = float(np.mean(list(reaches.values())))
    summaries["tuned"] = {
        # cells_without_gap is the same for each seed, since it depends on base and teacher alone.
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
        rows.append(row | {"fitted": baselines.fitted.get(name)})
    rows.append(
        {
            "predictor": "noise_ceiling",
            "gap": ceiling,
            "gap_closed": float(gap_closed(ceiling, gaps[BASE].estimate)),
            "not_estimated": why_not_closed(ceiling, gaps[BASE].estimate),
        }
    )
    return [row | measured for row in rows]


def align_published(published: dict[str, Counted], uncertainty: Uncertainty, split: str) -> list[dict]:
    """Rows of the table for the paper's base and tuned student, measured from the paper's own teacher and base."""
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


def _gaps(part: AlignedCounts, baselines: Baselines, uncertainty: Uncertainty, *names: str) -> dict[str, Gap]:
    """The gap of every predictor but the noise ceiling; all share one set of resampled teachers and bases."""
    rates, base_rates = part.teacher.rates(), part.base.rates()
    teacher_draws = part.teacher.redrawn(uncertainty.draws, uncertainty.generator(*names, TEACHER))
    base_draws = part.base.redrawn(uncertainty.draws, uncertainty.generator(*names, BASE))

    def gap(estimate: np.ndarray, draws: np.ndarray) -> Gap:
        return Gap(float(distance(rates, estimate)), distance(teacher_draws, draws))

    students = {
        name: gap(student.rates(), student.redrawn(uncertainty.draws, uncertainty.generator(*names, name)))
        for name, student in part.tuned.items()
    }
    predicted, drawn = baselines.predictions(base_rates), baselines.predictions(base_draws)
    return {
        BASE: gap(base_rates, base_draws),
        **students,
        "tuned": mean_gap(list(students.values())),
        **{name: gap(predicted[name], drawn[name]) for name in BASELINES},
    }


def _gap_columns(name: str, gap: Gap, base: Gap, confidence: float, reach: float) -> dict:
    closed, low, high = closed_interval(gap, base, confidence, reach)
    row = {"predictor": name, "gap": gap.estimate, "gap_closed": closed, "low": low, "high": high}
    return row | {"not_estimated": why_not_closed(gap.estimate, base.estimate)}


def why_not_closed(gap: float, base_gap: float) -> str | None:
    """Why the gap closed of a predictor is null; None where it is not. A gap of nan is that of a baseline."""
    if np.isnan(gap):
        return NOTHING_IN_SAMPLE
    return None if base_gap > 0 else NO_GAP


def _spread(closed: list[float]) -> dict:
    """The number of seeds, and the standard deviation between them, which is undefined for one seed."""
    return {"seeds": len(closed), "seed_sd": float(np.std(closed, ddof=1)) if len(closed) > 1 else None}
