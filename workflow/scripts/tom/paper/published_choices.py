"""The counts that arXiv 2408.05241 published for its own teacher, base and tuned student."""

from pathlib import Path

import numpy as np
import polars as pl

from tom.core.errors import UserError
from tom.core.roles import TEACHER
from tom.evaluation.propensities import CELL, tabulate
from tom.evaluation.split_tables import with_split
from tom.games.rescaling import SCALE_MARK
from tom.parsing.outcomes import UNREADABLE
from tom.prompts.variants import PAPER_VARIANT
from tom.sampling.recorded import read_contribution_counts
from tom.statistics.resampling import Counted

SPLITS = {
    "in_sample": "in_sample",
    "out_of_sample_contexts": "out_of_sample_context",
    "doubled_payoffs": "doubled_payoffs",
}
"""A split of this workflow → its name in the published table."""

MODELS = ("teacher", "base", "tuned")


def read_published_split(file: str | Path, split: str) -> dict[str, Counted] | None:
    """Model → counts over the cells of a split, sorted by game and context; None for a split that the paper lacks.

    The paper asked in one listing order only, so the arrays are (cells, 1).
    Errors: UserError names the file and what it lacks.
    """
    return read_published_cells(file, split)[1] if split in SPLITS else None


def read_published_cells(file: str | Path, split: str) -> tuple[list[tuple[str, str]], dict[str, Counted]]:
    """(the split's (game, context) cells, sorted; the counts of read_published_split); split: one of SPLITS.

    A game with doubled payoffs is named as in a run, e.g. `stag_hunt-x2`. Errors: as read_published_split.
    """
    rows = _read(file, ["split", "context", "game", "model", "cooperated", "observations"])
    rows = rows.filter(pl.col("split") == SPLITS[split]).sort("game", "context")
    by_model = {model: rows.filter(pl.col("model") == model) for model in MODELS}
    cells = [by_model[model].select("game", "context").rows() for model in MODELS]
    if not cells[0] or any(other != cells[0] for other in cells):
        raise UserError(f"{file}: split '{SPLITS[split]}' needs the same cells for each of {', '.join(MODELS)}")
    counts = {
        model: Counted(*(part[name].to_numpy()[:, None] for name in ("cooperated", "observations")))
        for model, part in by_model.items()
    }
    scale = f"{SCALE_MARK}2" if split == "doubled_payoffs" else ""
    return [(f"{game}{scale}", context) for game, context in cells[0]], counts


def teacher_is_published(propensities: pl.DataFrame, file: str | Path, split: str) -> bool:
    """Whether a run's teacher replays the paper's in a split: in the very cells of the paper, with its rate in each.

    propensities: the table of that name. Errors: as read_published_cells.
    """
    if split not in SPLITS:
        return False
    cells, models = read_published_cells(file, split)
    ours = propensities.filter(split=split, model=TEACHER, view="fixed", level="cell").sort(*CELL)
    if ours.select(CELL).rows() != sorted(cells):
        return False
    theirs = dict(zip(cells, models[TEACHER].rates().tolist(), strict=True))
    expected = pl.Series([theirs[cell] for cell in ours.select(CELL).rows()])
    return bool(((ours["rate"] - expected).abs() < 1e-9).fill_null(False).all())


def mean_contributions(file: str | Path) -> dict[str, float]:
    """Mean contribution in dollars of teacher, base and tuned to the paper's public goods game.

    Errors: UserError names the file and what it lacks.
    """
    return {model: float(np.mean(given)) for model, given in read_contributions(file).items()}


def read_contributions(file: str | Path) -> dict[str, np.ndarray]:
    """Model → the contribution of each reply in dollars, (replies,), cell by cell. Errors: as mean_contributions."""
    given = {
        model: np.array(
            [
                amount
                for cell in read_contribution_counts(file, model).values()
                for amount, count in cell.items()
                for _ in range(count)
            ],
            int,
        )
        for model in MODELS
    }
    if missing := [model for model in MODELS if not given[model].size]:
        raise UserError(f"{file}: no contributions of {', '.join(missing)}")
    return given


def _read(file: str | Path, columns: list[str]) -> pl.DataFrame:
    try:
        return pl.read_csv(file).select(columns)
    except FileNotFoundError:
        raise UserError(f"{file}: no such table of published counts") from None
    except pl.exceptions.PolarsError as error:
        raise UserError(f"{file}: needs the columns {', '.join(columns)} ({str(error).splitlines()[0]})") from None


def published_propensities(file: str | Path, split: str, confidence: float) -> pl.DataFrame:
    """The table propensities of a published split, one of SPLITS, in the view fixed; the models are MODELS."""
    cells, models = read_published_cells(file, split)
    rows = [
        {"model": model, "game": game, "context": context, "order": PAPER_VARIANT.order}
        | {"observations": readable, "cooperated": cooperated, "defected": readable - cooperated, "invalid": 0}
        | dict.fromkeys(UNREADABLE, 0)
        for model, counts in models.items()
        for (game, context), cooperated, readable in zip(
            cells, counts.cooperated[:, 0].tolist(), counts.readable[:, 0].tolist(), strict=True
        )
    ]
    unscored = pl.lit(None, pl.Float64)
    counts = pl.DataFrame(rows).with_columns(exact=unscored, option_mass=unscored)
    return with_split(tabulate(counts, ["fixed"], confidence), split)
