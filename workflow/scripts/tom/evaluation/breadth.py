"""How far students play games that they were not taught, by the number of games that they were taught.

Every student, and every predictor that reads payoffs alone (tom/evaluation/payoff_models.py), learns from the same
first n games of the teacher. All are measured in the same other games, by the mean distance from the teacher's
propensity. The teacher's propensity is its exact one where it is known, and else its observed rate; the mean over its
listing orders.

Intervals come from resampling the measured games: they say how the result would vary over other games of the same kind,
for these very students.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from tom.core.errors import UserError
from tom.core.frames import frame_of, table_schema
from tom.core.roles import BASE, TEACHER, role
from tom.evaluation.aligned_counts import EXACT, teacher_of
from tom.evaluation.alignment import gap_closed, noise_gap
from tom.evaluation.baselines import CHANCE, fit_constant
from tom.evaluation.payoff_models import PAYOFF_MODELS, payoff_table
from tom.evaluation.propensities import CELL, count_replies
from tom.games.game import Game, order_of
from tom.statistics.resampling import Answers, Uncertainty

Cells = list[tuple[str, str]]
CONSTANT, TUNED, NOISE_CEILING = "constant", "tuned", "noise_ceiling"
OWN_CONSTANT = "own_constant"
"""The one propensity that is nearest to the teacher's in the games that are measured. Nobody knows it beforehand. In a
family whose games the teacher plays much alike, a student has to be nearer to show that it tells them apart."""
AS_TAUGHT = "letters"
"""The labels C and D, of which C is the first action's."""


@dataclass(frozen=True)
class Played:
    """A teacher's answers over some cells, sorted by game and context. kind: one of ANSWERS."""

    cells: Cells
    answers: Answers
    kind: str

    @property
    def propensities(self) -> np.ndarray:
        """(cells,): the mean over the listing orders."""
        return self.answers.rates()


def read_teacher(shards: pl.DataFrame) -> Played:
    """The teacher's answers; without the cells in which no propensity is known and some order has no readable reply."""
    counts = count_replies(shards)
    answers, kind = teacher_of(counts, tuple(sorted(set(counts["order"]))), "exact")
    kept = np.flatnonzero(np.isfinite(answers.rates()))
    cells = counts.select(CELL).unique().sort(CELL).rows()
    return Played([cells[number] for number in kept], answers.cells(kept), kind)


def exact_propensities(shards: pl.DataFrame, label: str) -> dict[tuple[str, str], float]:
    """Cell → the exact propensity where `label` is the first action's, the mean over the listing orders."""
    scores = shards.filter(pl.col("p_cooperate").is_not_null(), record="score", cooperation_label=label)
    means = scores.group_by("game", "context").agg(pl.col("p_cooperate").mean())
    return {(game, context): value for game, context, value in means.iter_rows()}


class Measured:
    """Distances from a teacher over the same cells, resampled by game.

    Every statistic is (estimate, low, high); distances are (cells,) arrays.
    """

    def __init__(self, teacher: Played, uncertainty: Uncertainty, *names: str):
        self.teacher, self.confidence = teacher, uncertainty.confidence
        games = sorted({game for game, _ in teacher.cells})
        place = {game: index for index, game in enumerate(games)}
        self.of = np.array([place[game] for game, _ in teacher.cells])
        self.sizes = np.bincount(self.of)
        generator = uncertainty.generator("breadth", *names)
        self.weights = generator.multinomial(len(games), np.full(len(games), 1 / len(games)), size=uncertainty.draws)

    def distances(self, propensities: np.ndarray) -> np.ndarray:
        """(cells,): how far some propensities are from the teacher's."""
        return np.abs(propensities - self.teacher.propensities)

    def mean(self, distances: np.ndarray) -> tuple[float, float, float]:
        """The mean distance."""
        return float(distances.mean()), *self._interval(self._draws(distances))

    def closed(self, distances: np.ndarray, whole: np.ndarray) -> tuple[float, float, float]:
        """1 - the mean distance over another mean distance; nan where that is 0."""
        draws = gap_closed(self._draws(distances), self._draws(whole))
        return float(gap_closed(distances.mean(), whole.mean())), *self._interval(draws[np.isfinite(draws)])

    def lead(self, distances: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
        """How much nearer to the teacher than another predictor."""
        return self.mean(other - distances)

    def _draws(self, distances: np.ndarray) -> np.ndarray:
        return self.weights @ np.bincount(self.of, distances) / (self.weights @ self.sizes)

    def _interval(self, draws: np.ndarray) -> tuple[float, float]:
        if not draws.size:
            return float("nan"), float("nan")
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(draws, [tail, 1 - tail])
        return float(low), float(high)


def breadth_table(
    teacher: pl.DataFrame,
    base: pl.DataFrame,
    students: Mapping[int, pl.DataFrame],
    taught: pl.DataFrame,
    games: Mapping[str, Game],
    labels: Mapping[str, tuple[str, str]],
    split: str,
    uncertainty: Uncertainty,
) -> pl.DataFrame:
    """The table of a split.

    teacher, base: their shards in the split. students: number of games taught → shards of the students of all seeds.
    taught: the teacher's in-sample shards, in the order in which games are taught. games: name → game, of all of these.
    labels: name → the labels that students were asked with; AS_TAUGHT among them. Errors: UserError names what a shard
    lacks.
    """
    played = read_teacher(teacher)
    if not played.cells:
        raise UserError(f"shards: no readable reply of the {TEACHER} in any cell of {split}: see their column 'raw'")
    measured = Measured(played, uncertainty, split)
    fitted = {number: _fit(taught, number, played.cells, games) for number in students}
    keys = {"split": split, "cells": len(played.cells), "confidence": uncertainty.confidence}
    keys["teacher_answers"] = played.kind
    keys["left_out"] = left_out(
        (games[name] for name, _ in played.cells), (games[name] for name in taught["game"].unique())
    )
    rows = []

    def add(predictor: str, answers: list[np.ndarray], number: int | None, asked: dict) -> None:
        """A row of a predictor; answers: one array for each seed."""
        distances = np.mean([measured.distances(each) for each in answers], axis=0)
        row = keys | asked | {"games": number, "predictor": predictor}
        row |= _named("", measured.mean(distances), "gap")
        row["correlation"] = float(np.mean([_correlation(each, played.propensities) for each in answers]))
        if number is not None:
            others = {name: measured.distances(found) for name, found in fitted[number].items()}
            row |= _named("closed_", measured.closed(distances, others[CONSTANT]), "closed")
            if np.isnan(others[CONSTANT]).any():
                row["not_estimated"] = "the teacher gave no readable reply in the games taught"
            elif not others[CONSTANT].any():
                row["not_estimated"] = "the best constant has no gap to the teacher"
            if role(predictor) == TUNED:
                for name in PAYOFF_MODELS:
                    row |= _named(f"{name}_", measured.lead(distances, others[name]), f"{name}_lead")
        rows.append(row)

    as_taught = {"labels": AS_TAUGHT, "exchanged": False}
    for name, constant in (("chance", CHANCE), (OWN_CONSTANT, fit_constant(played.propensities))):
        add(name, [np.full(len(played.cells), constant)], None, as_taught)
    for number, found in fitted.items():
        for predictor, answers in found.items():
            add(predictor, [answers], number, as_taught)
    for name, pair in labels.items():
        for exchanged, label in enumerate(pair):
            asked = {"labels": name, "exchanged": bool(exchanged)}
            add(BASE, [_answers(base, label, played.cells)], None, asked)
            for number, shards in students.items():
                models = sorted(shards["model"].unique())
                seeds = {model: _answers(shards.filter(model=model), label, played.cells) for model in models}
                add(TUNED, list(seeds.values()), number, asked)
                for model, answers in seeds.items():
                    add(model, [answers], number, asked)
    if played.kind != EXACT:
        ceiling = noise_gap(played.answers, student_is_exact=True)
        rows.append(keys | as_taught | {"predictor": NOISE_CEILING, "gap": ceiling})
    return frame_of(rows, table_schema("breadth"))


def taught_games(shards: pl.DataFrame, number: int) -> list[str]:
    """The first games of a training, by the order of its shards. Errors: UserError if there are fewer."""
    games = shards["game"].unique(maintain_order=True).to_list()
    if number > len(games):
        raise UserError(f"breadth.games: {number} (allowed: at most the {len(games)} games of splits.in_sample)")
    return games[:number]


def left_out(asked: Iterable[Game], taught: Iterable[Game]) -> str | None:
    """The families of the games that were asked, separated by spaces, if none of them was taught.

    None, too, where a game is of no family by the order of its payoffs: it is asymmetric, or has ties.
    """
    found, known = ({order_of(game.own) if game.symmetric else None for game in played} for played in (asked, taught))
    if found & known or {None, "ties"} & found:
        return None
    return " ".join(sorted(found))


def _fit(taught: pl.DataFrame, number: int, cells: Cells, games: Mapping[str, Game]) -> dict[str, np.ndarray]:
    """What predictors without a student say of some cells, fitted on the first games of the teacher.

    Payoff models are fitted in each taught context. A context that was not taught has the mean of their answers. All
    are nan if no reply of the teacher can be read in these games.
    """
    known = read_teacher(taught.filter(pl.col("game").is_in(taught_games(taught, number))))
    if not known.cells:
        return dict.fromkeys((CONSTANT, *PAYOFF_MODELS), np.full(len(cells), np.nan))
    contexts = np.array([context for _, context in known.cells])
    payoffs, asked = (payoff_table([games[game] for game, _ in of]) for of in (known.cells, cells))
    found = {CONSTANT: np.full(len(cells), fit_constant(known.propensities))}
    for name, fit in PAYOFF_MODELS.items():
        by_context = {
            context: fit(payoffs[contexts == context], known.propensities[contexts == context], asked)
            for context in sorted(set(contexts))
        }
        mean = np.mean(list(by_context.values()), axis=0)
        found[name] = np.array([by_context.get(context, mean)[place] for place, (_, context) in enumerate(cells)])
    return found


def _answers(shards: pl.DataFrame, label: str, cells: Cells) -> np.ndarray:
    """(cells,): a student's exact propensities where `label` is the first action's."""
    known = exact_propensities(shards, label)
    if missing := [cell for cell in cells if cell not in known]:
        model, (game, context) = shards["model"][0], missing[0]
        raise UserError(f"shards: no exact propensity of {model} for {game} in {context}, where '{label}' comes first")
    return np.array([known[cell] for cell in cells])


def _named(prefix: str, found: tuple[float, float, float], estimate: str) -> dict[str, float]:
    """An estimate and the ends of its interval, as columns."""
    return dict(zip((estimate, f"{prefix}low", f"{prefix}high"), found, strict=True))


def _correlation(answers: np.ndarray, propensities: np.ndarray) -> float:
    """Pearson's correlation over cells; nan where either does not vary."""
    if np.ptp(answers) < 1e-12 or np.ptp(propensities) < 1e-12:
        return float("nan")
    return float(np.corrcoef(answers, propensities)[0, 1])
