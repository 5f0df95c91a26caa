"""What moves the choice of the teacher and of each student: game, context, or the scale of the payoffs.

Propensities are arranged by game and context. Rows are in long form, one quantity a row:

- marginal_effect: how far a game or context moves the propensity from the mean over all of them, averaged over the
  other factor, from a main-effects binomial model with Firth's penalty (tom/statistics/firth.py). Delta method.
  Overdispersion, the lack of fit that is interaction, widens the interval, which is Student's t at the residual degrees
  of freedom. Holm's family: all effects of one model, split and view.
- variance_share: the shares of game, context and interaction in the sum of squares over cells, and the share that
  sampling noise alone is expected to give. A share below the noise shows no sensitivity.
- slope_on_teacher: Σ student × teacher / Σ teacher² over the effects of a factor. It is 1 where the student has the
  teacher's sensitivity and 0 where it has none of it, whatever its mean. Noise in the teacher's effects is subtracted
  from the denominator, as in a regression with errors in variables (Fuller, Measurement Error Models, 1987, section
  1.2). There is no slope where noise would explain all of them. In sample the student was taught that very noise, so
  its slope is a little too high there.

Where there is no estimate, `not_estimated` says why.
"""

from dataclasses import dataclass

import numpy as np

from tom.core.roles import TEACHER
from tom.games.names import is_member
from tom.statistics.distributions import normal_above, normal_quantile, t_above, t_quantile
from tom.statistics.firth import fit_firth
from tom.statistics.intervals import symmetric
from tom.statistics.resampling import Counted, Uncertainty
from tom.statistics.two_proportions import holm

WITHIN_NOISE = "the effects on the teacher are within noise"


@dataclass(frozen=True)
class Layout:
    """All games in all contexts. Arrays of (cells,) are sorted by game, then context."""

    games: list[str]
    contexts: list[str]

    @classmethod
    def of(cls, cells: list[tuple[str, str]]) -> "Layout | None":
        """The layout of sorted (game, context) cells; None unless each game is in each context."""
        games, contexts = (sorted(set(names)) for names in zip(*cells, strict=True))
        whole = [(game, context) for game in games for context in contexts]
        return cls(games, contexts) if whole == list(cells) else None

    @property
    def shape(self) -> tuple[int, int]:
        """(games, contexts)."""
        return len(self.games), len(self.contexts)

    def effects(self, rates: np.ndarray) -> dict[str, np.ndarray]:
        """Effects of game, context and interaction in (..., cells) rates; each is (..., cells) and sums to 0."""
        table = rates.reshape(*rates.shape[:-1], *self.shape)
        mean = table.mean(axis=(-2, -1), keepdims=True)
        game = table.mean(axis=-1, keepdims=True) - mean
        context = table.mean(axis=-2, keepdims=True) - mean
        parts = {"game": game, "context": context, "interaction": table - mean - game - context}
        return {name: np.broadcast_to(part, table.shape).reshape(rates.shape) for name, part in parts.items()}

    def single(self, factor: str) -> str | None:
        """Why a factor, a key of `effects`, has no effects: there is one level only. None if there are more."""
        names = ("game", "context")
        ones = [name for name, size in zip(names, self.shape, strict=True) if size == 1]
        found = [name for name in ones if factor in (name, "interaction")]
        return f"there is only one {found[0]}" if found else None

    def noise(self, variances: np.ndarray) -> dict[str, np.ndarray]:
        """The sum of squares, (...), of each kind of effect that sampling noise of (..., cells) variances alone gives.

        Each kind takes the share of its degrees of freedom in the variance of every cell, since the layout is balanced.
        """
        games, contexts = self.shape
        freedom = {"game": games - 1, "context": contexts - 1, "interaction": (games - 1) * (contexts - 1)}
        return {name: variances.sum(axis=-1) * degrees / (games * contexts) for name, degrees in freedom.items()}


def sensitivity_rows(
    cells: list[tuple[str, str]], answers: dict[str, Counted], uncertainty: Uncertainty, *names: str
) -> list[dict]:
    """Rows of the table, without split and view, for each model; answers: model → counts over the cells.

    A split has none if it has one cell only, or if some game is missing in some context. One with game sets has no
    marginal effects: those of each of hundreds of games would say little and take hours. names: seed the draws.
    """
    layout = Layout.of(cells)
    if layout is None or len(cells) < 2:
        return []
    drawn = {
        name: counts.redrawn(uncertainty.draws, uncertainty.generator("sensitivities", *names, name))
        for name, counts in answers.items()
    }
    rows = []
    for name, counts in answers.items():
        found = [
            *([] if of_sets(cells) else marginal_effects(layout, counts, uncertainty.confidence)),
            *variance_shares(layout, counts, drawn[name], uncertainty.confidence),
        ]
        if name != TEACHER:
            found += slopes_on_teacher(layout, (answers[TEACHER], counts), (drawn[TEACHER], drawn[name]), uncertainty)
        rows += [{"model": name} | row for row in found]
    return rows


def of_sets(cells: list[tuple[str, str]]) -> bool:
    """Whether some of the cells' games are members of game sets."""
    return any(is_member(game) for game, _ in cells)


def marginal_effects(layout: Layout, counts: Counted, confidence: float) -> list[dict]:
    """Average marginal effects of each game and context, in propensity."""
    design = main_effects(layout)
    cooperated, readable = counts.cooperated.sum(axis=1), counts.readable.sum(axis=1)
    fit = fit_firth(design, cooperated, readable)
    variance = readable * fit.fitted * (1 - fit.fitted)
    freedom = len(design) - design.shape[1]
    scale, quantile, tail = 1.0, normal_quantile((1 + confidence) / 2), normal_above
    if freedom > 0:
        scale = max(1.0, float(((cooperated - readable * fit.fitted) ** 2 / variance).sum() / freedom))
        quantile, tail = t_quantile((1 + confidence) / 2, freedom), lambda value: t_above(value, freedom)
    found = []
    for factor, levels, averaging in averages(layout):
        if reason := fit.not_estimable or layout.single(factor):
            row = {"quantity": "marginal_effect", "factor": factor, "p_value": float("nan"), "not_estimated": reason}
            found += [row | {"level": level} for level in levels]
            continue
        jacobian = averaging @ (fit.fitted[:, np.newaxis] * (1 - fit.fitted[:, np.newaxis]) * design)
        errors = np.sqrt(scale * np.einsum("ij,jk,ik->i", jacobian, fit.covariance, jacobian))
        for level, effect, error in zip(levels, averaging @ fit.fitted, errors, strict=True):
            found.append(
                {
                    "quantity": "marginal_effect",
                    "factor": factor,
                    "level": level,
                    "estimate": float(effect),
                    "low": float(effect - quantile * error),
                    "high": float(effect + quantile * error),
                    "p_value": float(2 * tail(abs(effect) / error)),
                }
            )
    adjusted = holm([row["p_value"] for row in found])
    return [row | {"p_holm": float(p_value)} for row, p_value in zip(found, adjusted, strict=True)]


def variance_shares(layout: Layout, counts: Counted, draws: np.ndarray, confidence: float) -> list[dict]:
    """Shares of the sum of squares, with symmetric bootstrap intervals; nan where all cells are equal."""

    def shares(rates: np.ndarray) -> dict[str, np.ndarray]:
        squares = {name: (effect**2).sum(axis=-1) for name, effect in layout.effects(rates).items()}
        total = sum(squares.values())
        return {name: value / np.where(total > 0, total, np.nan) for name, value in squares.items()}

    rates = counts.rates()
    total = ((rates - rates.mean()) ** 2).sum()
    expected = sum(layout.noise(counts.variances()).values())
    rows = []
    drawn = shares(draws)
    for name, share in shares(rates).items():
        low, high = symmetric(float(share), drawn[name], confidence)
        row = {"quantity": "variance_share", "factor": name, "estimate": float(share)}
        rows.append(row | {"low": max(low, 0.0), "high": min(high, 1.0)})
    noise = float(expected / total) if total > 0 else float("nan")
    rows.append({"quantity": "variance_share", "factor": "noise", "estimate": noise})
    reason = None if total > 0 else "all cells have the same propensity"
    return [row | {"not_estimated": reason} for row in rows]


def slopes_on_teacher(
    layout: Layout, answers: tuple[Counted, Counted], draws: tuple[np.ndarray, np.ndarray], uncertainty: Uncertainty
) -> list[dict]:
    """Slopes of a student's effects on its teacher's, by factor; answers, draws: (teacher's, student's)."""
    teacher, student = answers
    effects = [layout.effects(answers.rates()) for answers in (teacher, student)]
    drawn = [layout.effects(rates) for rates in draws]
    noise = layout.noise(teacher.variances())
    rows = []
    for factor, of_teacher in effects[0].items():
        found = slope(of_teacher, effects[1][factor], noise[factor])
        # For the resamples the observed teacher is the truth, its noise included.
        truth = slope(of_teacher, effects[1][factor], 0.0)
        swings = slope(drawn[0][factor], drawn[1][factor], noise[factor]) - truth
        low, high = symmetric(float(found), found + swings, uncertainty.confidence)
        reason = None if np.isfinite(found) else layout.single(factor) or WITHIN_NOISE
        row = {"quantity": "slope_on_teacher", "factor": factor, "estimate": float(found), "low": low, "high": high}
        rows.append(row | {"not_estimated": reason})
    return rows


def slope(teacher: np.ndarray, student: np.ndarray, noise: float) -> np.ndarray:
    """Σ student × teacher / (Σ teacher² − noise) over the last axis; nan where the noise explains all of Σ teacher²."""
    left = (teacher**2).sum(axis=-1) - noise
    return (student * teacher).sum(axis=-1) / np.where(left > 1e-12, left, np.nan)


def main_effects(layout: Layout) -> np.ndarray:
    """The design, (cells, k): a constant, and deviations from the mean for all but the last level of each factor."""
    games, contexts = layout.shape
    game = np.repeat(_deviations(games), contexts, axis=0)
    context = np.tile(_deviations(contexts), (games, 1))
    return np.hstack([np.ones((games * contexts, 1)), game, context])


def _deviations(levels: int) -> np.ndarray:
    return np.vstack([np.eye(levels - 1), -np.ones((1, levels - 1))])


def averages(layout: Layout) -> list[tuple[str, list[str], np.ndarray]]:
    """(factor, its levels, the (levels, cells) matrix from propensities to each level's deviation from the mean)."""
    games, contexts = layout.shape
    mean = np.full(games * contexts, 1 / (games * contexts))
    return [
        ("game", layout.games, np.kron(np.eye(games), np.full(contexts, 1 / contexts)) - mean),
        ("context", layout.contexts, np.kron(np.full(games, 1 / games), np.eye(contexts)) - mean),
    ]
