"""One model of choice on game, context and model: does a student share its teacher's sensitivity, or only its mean?

Each student is compared with the teacher by itself. The log-odds of cooperation in a cell are the cell's own, shared by
the two, plus what the student adds: a shift (model), a shift for each game (model:game) and one for each context
(model:context); the latter two sum to 0. Firth's penalty (tom/statistics/firth.py) keeps estimates finite where 0 or
300 of 300 replies cooperate. Rows are in long form, one term each:

- model: the average marginal effect of being the student: the mean over cells of its propensity less the teacher's.
  Delta method.
- model:game, model:context: do games, or contexts, affect the student as they affect the teacher? Penalised likelihood
  ratio against the model without the term, under the penalty of the whole design (Heinze, Schemper, 2002). The estimate
  is the root mean square, over games or contexts, of the difference between the marginal effects on the two models,
  averaged over the other factor. Sampling noise makes it too high.

What the terms do not explain is a difference particular to a cell (model:game:context). Its mean square is the
overdispersion. A statistic is divided by it and compared with F, which takes the cells as a sample of such differences
(McCullagh, Nelder, Generalized Linear Models, 1989, section 4.5). The p-value is the larger of this one and the
chi-square p-value of sampling noise alone, and the interval the wider of the two. Each of the two is valid where the
other's assumption fails (an intersection-union test; Berger, 1982). An interaction of game and context that the teacher
has as well is shared by both models and widens nothing. With one game or one context there is no residual, and
chi-square alone is used.

Terms are differences of log-odds. A student with another mean may have the teacher's sensitivity on this scale and not
on that of propensities, above all near 0 and 1; slope_on_teacher of tom/evaluation/sensitivities.py is on the latter.
Taught cells share their noise with the student, so a difference is found in them somewhat more rarely than stated.
Holm's family: the terms of one student, split and view.
"""

import numpy as np

from tom.core.roles import TEACHER
from tom.evaluation.sensitivities import Layout, averages, main_effects, of_sets
from tom.statistics.distributions import chi_square_above, chi_square_quantile, f_above, f_quantile
from tom.statistics.firth import fit_firth
from tom.statistics.resampling import Counted
from tom.statistics.two_proportions import holm


def joint_rows(cells: list[tuple[str, str]], answers: dict[str, Counted], confidence: float) -> list[dict]:
    """Rows of the table, without split and view, for each student; answers: model → counts over the cells.

    A split has none if it has one cell only, if some game is missing in some context, or if it has game sets, whose
    hundreds of games would each have a term.
    """
    layout = Layout.of(cells)
    if layout is None or len(cells) < 2 or of_sets(cells):
        return []
    return [
        {"model": name} | row
        for name, counts in answers.items()
        if name != TEACHER
        for row in compare_choices(layout, answers[TEACHER], counts, confidence)
    ]


def compare_choices(layout: Layout, teacher: Counted, student: Counted, confidence: float) -> list[dict]:
    """The terms of one student, with p-values adjusted within them."""
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
    widths = [chi_square_quantile(confidence, 1)] + ([scale * f_quantile(confidence, 1, freedom)] if freedom else [])
    half = error * float(np.sqrt(max(widths)))
    rows = [{"term": "model", "estimate": effect, "low": effect - half, "high": effect + half}]
    rows[0] |= {"statistic": (effect / error) ** 2, "degrees": 1, "not_estimated": fit.not_estimable}
    for factor, _, averaging in averages(layout):
        dropped = terms == factor
        if degrees := int(dropped.sum()):
            without = fit_firth(design, cooperated, readable, left_out=dropped)
            # Rounding can make the ratio of equal models negative.
            ratio = max(2 * (fit.log_likelihood - without.log_likelihood), 0.0)
            apart = float(np.sqrt(((averaging @ (of_student - of_teacher)) ** 2).mean()))
            rows.append({"term": f"model:{factor}", "estimate": apart})
            reason = fit.not_estimable or without.not_estimable
            rows[-1] |= {"statistic": ratio, "degrees": degrees, "not_estimated": reason}
    shared = {"residual_degrees": freedom, "overdispersion": scale}
    rows = [row | shared | {"p_value": _p_value(row["statistic"], row["degrees"], scale, freedom)} for row in rows]
    adjusted = holm([row["p_value"] for row in rows])
    return [row | {"p_holm": float(p_value)} for row, p_value in zip(rows, adjusted, strict=True)]


def _design(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """The design, (2 × cells, k) with the teacher's rows first, and the (k,) factors of its columns."""
    added = main_effects(layout)
    cells, (games, contexts) = np.eye(len(added)), layout.shape
    terms = ["cell"] * len(added) + ["model"] + ["game"] * (games - 1) + ["context"] * (contexts - 1)
    return np.block([[cells, -added / 2], [cells, added / 2]]), np.array(terms)


def _p_value(statistic: float, degrees: int, scale: float | None, freedom: int) -> float:
    """The larger p-value of chi-square and of F with the overdispersion; scale: None without residual degrees."""
    by_noise = float(chi_square_above(statistic, degrees))
    if not scale:
        return by_noise
    return max(by_noise, float(f_above(statistic / degrees / scale, degrees, freedom)))
