"""How a model reacts to rescaled payoffs of a game: in each cell (the paper's Table 1), and on average."""

import numpy as np

from tom.core.roles import TEACHER
from tom.evaluation.sensitivities import WITHIN_NOISE, slope
from tom.games.rescaling import Rescaling, split_rescaling
from tom.statistics.distributions import normal_above, normal_quantile
from tom.statistics.intervals import symmetric
from tom.statistics.resampling import Counted, Uncertainty
from tom.statistics.two_proportions import equal_counts_p_value, holm, newcombe


def matched(
    taught: list[tuple[str, str]], cells: list[tuple[str, str]]
) -> tuple[list[tuple[str, str]], list[int], list[int]]:
    """The rescaled cells whose game and context were taught at the original payoffs.

    Returns (these cells, their indices in `cells`, the indices of their originals in `taught`).
    """
    numbers = {cell: number for number, cell in enumerate(taught)}
    found = [
        (cell, number, numbers[split_rescaling(cell[0])[0], cell[1]])
        for number, cell in enumerate(cells)
        if split_rescaling(cell[0])[1] != Rescaling() and (split_rescaling(cell[0])[0], cell[1]) in numbers
    ]
    return tuple(map(list, zip(*found, strict=True))) if found else ([], [], [])


def reaction_rows(
    cells: list[tuple[str, str]], original: dict[str, Counted], scaled: dict[str, Counted], confidence: float
) -> list[dict]:
    """Rows of the table, without split and view, for each model and cell; original, scaled: model → counts, (cells, 1).

    p_value: two-proportion z-test, as in the paper. Holm's family: the cells of one model.
    """
    rows = []
    for model in scaled:
        found = []
        before, after = original[model].pooled(), scaled[model].pooled()
        for number, (game, context) in enumerate(cells):
            first, second = (
                (int(counts.cooperated[number, 0]), int(counts.readable[number, 0])) for counts in (after, before)
            )
            low, high = newcombe(first, second, confidence)
            row = {"model": model, "game": game, "context": context, "low": low, "high": high}
            row |= {"original": before.rates()[number], "scaled": after.rates()[number]}
            row |= {"difference": row["scaled"] - row["original"], "p_value": equal_counts_p_value(first, second)}
            found.append(row)
        adjusted = holm([row["p_value"] for row in found])
        rows += [row | {"p_holm": float(p_value)} for row, p_value in zip(found, adjusted, strict=True)]
    return rows


def reaction_summary(
    original: dict[str, Counted], scaled: dict[str, Counted], rows: list[dict], uncertainty: Uncertainty, *names: str
) -> list[dict]:
    """Rows of the table sensitivities: each model's mean reaction, the number of cells that react, and the slope of its
    reactions on the teacher's.

    rows: from reaction_rows. The mean's interval holds for these cells, not for others. Cells are counted at the level
    1 − confidence, with and without Holm's adjustment. names: seed the draws.
    """
    level = 1 - uncertainty.confidence
    change = {model: scaled[model].rates() - original[model].rates() for model in scaled}
    variances = {model: scaled[model].variances() + original[model].variances() for model in scaled}
    drawn = {
        model: scaled[model].redrawn(uncertainty.draws, uncertainty.generator("reaction", *names, model, "scaled"))
        - original[model].redrawn(uncertainty.draws, uncertainty.generator("reaction", *names, model, "original"))
        for model in scaled
    }
    found = []
    for model in scaled:
        mean, error = float(change[model].mean()), float(np.sqrt(variances[model].sum())) / len(change[model])
        half = float(normal_quantile((1 + uncertainty.confidence) / 2)) * error
        row = {"model": model, "factor": "scale"}
        found.append(
            row
            | {"quantity": "mean_reaction", "estimate": mean, "low": mean - half, "high": mean + half}
            | {"p_value": float(2 * normal_above(abs(mean) / error))}
        )
        own = [cell for cell in rows if cell["model"] == model]
        for name, column in (("unadjusted", "p_value"), ("holm", "p_holm")):
            reacting = float(sum(cell[column] < level for cell in own))
            found.append(row | {"quantity": "cells_reacting", "level": name, "estimate": reacting})
        if model != TEACHER:
            noise = float(variances[TEACHER].sum())
            estimate = float(slope(change[TEACHER], change[model], noise))
            swings = slope(drawn[TEACHER], drawn[model], noise) - slope(change[TEACHER], change[model], 0.0)
            low, high = symmetric(estimate, estimate + swings, uncertainty.confidence)
            reason = None if np.isfinite(estimate) else WITHIN_NOISE
            row |= {"quantity": "slope_on_teacher", "estimate": estimate, "low": low, "high": high}
            found.append(row | {"not_estimated": reason})
    return found
