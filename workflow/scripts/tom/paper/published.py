"""The counts that arXiv 2408.05241 published for its own teacher, base and tuned student."""

from pathlib import Path

import numpy as np
import polars as pl

from tom.asking.rescaling import SCALE_MARK
from tom.engines.recorded_contributions import read_contribution_counts
from tom.engines.recorded_teacher import DOUBLED
from tom.errors import BadInput
from tom.statistics.resampling import Counted

SPLITS = {
    "in_sample": "in_sample",
    "out_of_sample_contexts": "out_of_sample_context",
    "doubled_payoffs": "doubled_payoffs",
}
"""A split of this workflow → its name in the published table."""

MODELS = ("teacher", "base", "tuned")


def read_published_split(file: str | Path, split: str) -> dict[str, Counted] | None:
    """Counts of teacher, base and tuned over the cells of a split, cells in one order; None for a split of our own.

    The paper asked in one order alone, so the arrays are (cells, 1).
    Errors: BadInput names the file and what it lacks.
    """
    return read_published_cells(file, split)[1] if split in SPLITS else None


def read_published_cells(file: str | Path, split: str) -> tuple[list[tuple[str, str]], dict[str, Counted]]:
    """(the split's (game, context) cells, sorted; the counts of read_published_split); split: one of SPLITS.

    A doubled game is named as everywhere else, e.g. `stag_hunt-x2`.
    """
    rows = _read(file, ["split", "context", "game", "model", "cooperated", "observations"])
    rows = rows.filter(pl.col("split") == SPLITS[split]).sort("game", "context")
    by_model = {model: rows.filter(pl.col("model") == model) for model in MODELS}
    cells = [by_model[model].select("game", "context").rows() for model in MODELS]
    if not cells[0] or any(other != cells[0] for other in cells):
        raise BadInput(f"{file}: split '{SPLITS[split]}' needs the same cells for each of {', '.join(MODELS)}")
    counts = {
        model: Counted(*(part[name].to_numpy()[:, None] for name in ("cooperated", "observations")))
        for model, part in by_model.items()
    }
    scale = f"{SCALE_MARK}2" if SPLITS[split] == DOUBLED else ""
    return [(f"{game}{scale}", context) for game, context in cells[0]], counts


def mean_contributions(file: str | Path) -> dict[str, float]:
    """Mean contribution in dollars of teacher, base and tuned to the paper's public goods game.

    Errors: BadInput names the file and what it lacks.
    """
    return {model: float(np.mean(given)) for model, given in read_contributions(file).items()}


def read_contributions(file: str | Path) -> dict[str, np.ndarray]:
    """Every reply's contribution in dollars, (replies,) of teacher, base and tuned, cell by cell; errors as above."""
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
        raise BadInput(f"{file}: no contributions of {', '.join(missing)}")
    return given


def _read(file: str | Path, columns: list[str]) -> pl.DataFrame:
    try:
        return pl.read_csv(file).select(columns)
    except FileNotFoundError:
        raise BadInput(f"{file}: no such table of published counts") from None
    except pl.exceptions.PolarsError as error:
        raise BadInput(f"{file}: needs the columns {', '.join(columns)} ({str(error).splitlines()[0]})") from None
