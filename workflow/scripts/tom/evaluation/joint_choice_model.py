"""One model of choice on game, context and model: is a student's sensitivity its teacher's, or only its mean?

Teacher and one student at a time. The log-odds of cooperation in a cell are the cell's own, shared by the two, plus
what the student adds: a shift (model), one for each game (model:game) and one for each context (model:context), these
of sum 0. With Firth's penalty (tom/statistics/firth.py), so that cells of 0 or 300 in 300 have finite estimates. Rows
are in long form, one term each:

- model: the average marginal effect of being the student, the mean over cells of its propensity less the teacher's;
  delta method.
- model:game, model:context: does the student tell games, or contexts, apart as the teacher does? Penalised likelihood
  ratio of the model without the term, under the whole design's penalty (Heinze, Schemper, 2002). The estimate beside it
  is the root mean square over games or contexts of the difference between their marginal effects in the two, averaged
  over the other factor; sampling noise makes it too high.

What the terms leave over is a difference that is particular to a cell (model:game:context). Its mean square is the
overdispersion, by which a statistic is divided before it is compared with F: that takes cells as a sample of such
differences (McCullagh, Nelder, Generalized Linear Models, 1989, section 4.5). A p-value is the larger of this one and
that of sampling noise alone, chi-square, and an interval the wider of the two: either is right where the other's
assumption fails (an intersection-union test; Berger, 1982). Where the teacher itself has an interaction of game and
context, both share it and it widens nothing. With one game or one context nothing is left over: chi-square alone.

Terms are differences of log-odds: a student of another mean may have the teacher's sensitivity on this scale and not on
that of propensities, most of all near 0 and 1; slope_on_teacher of tom/evaluation/sensitivities.py is on the latter.
WeightedReply cells share their noise with the student, so there a difference is found somewhat more rarely than stated.
Holm's family: the terms of one student, split and view.
"""

import numpy as np
import polars as pl
from scipy.stats import chi2, f

from tom.core.roles import TEACHER
from tom.evaluation.sensitivities import Layout, averages, main_effects
from tom.statistics.firth import fit_firth
from tom.statistics.resampling import Counted
from tom.statistics.two_proportions import holm

COLUMNS = {
    "split": pl.String,
    "view": pl.String,
    "model": pl.String,
    "term": pl.String,
    "estimate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "statistic": pl.Float64,
    "degrees": pl.Int64,
    "residual_degrees": pl.Int64,
    "overdispersion": pl.Float64,
    "p_value": pl.Float64,
    "p_holm": pl.Float64,
}


def joint_rows(cells: list[tuple[str, str]], answers: dict[str, Counted], confidence: float) -> list[dict]:
    """Rows of COLUMNS, without split and view, for every student; answers: model → counts over the cells.

    A split in which not every game stands in every context, or with one cell alone, has none.
    """
    layout = Layout.of(cells)
    if layout is None or len(cells) < 2:
        return []
    return [
        {"model": name} | row
        for name, counts in answers.items()
        if name != TEACHER
        for row in compare_choices(layout, answers[TEACHER], counts, confidence)
    ]


def compare_choices(layout: Layout, teacher: Counted, student: Counted, confidence: float) -> list[dict]:
    """The terms of one student, with p-values adjusted over them."""
    design, terms = _design(layout)
    cooperated, readable = (
        np.concatenate([getattr(counts, name).sum(axis=1) for counts in (teacher, student)])
        for name in ("cooperated", "readable")
    )
    fit = fit_firth(design, cooperated, readable)
    freedom = len(design) - design.shape[1]
    variance = readable * fit.fitted * (1 - fit.fitted)
    squares = float(((cooperated - readable * fit.fitted) ** 2 / variance).sum())
    scale = squares / freedom if freedom else None
    of_teacher, of_student = np.split(fit.fitted, 2)

    effect = float((of_student - of_teacher).mean())
    sign = np.repeat([-1.0, 1.0], len(of_teacher)) / len(of_teacher)
    jacobian = (sign * fit.fitted * (1 - fit.fitted)) @ design
    error = float(np.sqrt(jacobian @ fit.covariance @ jacobian))
    widths = [chi2.ppf(confidence, 1)] + ([scale * f.ppf(confidence, 1, freedom)] if freedom else [])
    half = error * float(np.sqrt(max(widths)))
    rows = [{"term": "model", "estimate": effect, "low": effect - half, "high": effect + half}]
    rows[0] |= {"statistic": (effect / error) ** 2, "degrees": 1}
    for factor, _, averaging in averages(layout):
        dropped = terms == factor
        if degrees := int(dropped.sum()):
            without = fit_firth(design, cooperated, readable, left_out=dropped)
            # Equal models differ by rounding alone, to either side of 0.
            ratio = max(2 * (fit.log_likelihood - without.log_likelihood), 0.0)
            apart = float(np.sqrt(((averaging @ (of_student - of_teacher)) ** 2).mean()))
            rows.append({"term": f"model:{factor}", "estimate": apart})
            rows[-1] |= {"statistic": ratio, "degrees": degrees}
    shared = {"residual_degrees": freedom, "overdispersion": scale}
    rows = [row | shared | {"p_value": _p_value(row["statistic"], row["degrees"], scale, freedom)} for row in rows]
    adjusted = holm([row["p_value"] for row in rows])
    return [row | {"p_holm": float(p_value)} for row, p_value in zip(rows, adjusted, strict=True)]


def _design(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """(2 × cells, k), the teacher's rows first, and each column's factor: `cell`, `model`, `game` or `context`."""
    added = main_effects(layout)
    cells, (games, contexts) = np.eye(len(added)), layout.shape
    terms = ["cell"] * len(added) + ["model"] + ["game"] * (games - 1) + ["context"] * (contexts - 1)
    return np.block([[cells, -added / 2], [cells, added / 2]]), np.array(terms)


def _p_value(statistic: float, degrees: int, scale: float | None, freedom: int) -> float:
    """That of chi-square or of F with the overdispersion, whichever is larger; scale: None without degrees for it."""
    by_noise = float(chi2.sf(statistic, degrees))
    if not scale:
        return by_noise
    return max(by_noise, float(f.sf(statistic / degrees / scale, degrees, freedom)))
