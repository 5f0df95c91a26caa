"""The counts that arXiv 2408.05241 published for its own teacher, base and tuned student."""

from pathlib import Path

import polars as pl

from tom.errors import BadInput
from tom.resampling import Counted

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
    if split not in SPLITS:
        return None
    rows = _read(file, ["split", "context", "game", "model", "cooperated", "observations"])
    rows = rows.filter(pl.col("split") == SPLITS[split]).sort("game", "context")
    by_model = {model: rows.filter(pl.col("model") == model) for model in MODELS}
    cells = [by_model[model].select("game", "context").rows() for model in MODELS]
    if not cells[0] or any(other != cells[0] for other in cells):
        raise BadInput(f"{file}: split '{SPLITS[split]}' needs the same cells for each of {', '.join(MODELS)}")
    return {
        model: Counted(*(part[name].to_numpy()[:, None] for name in ("cooperated", "observations")))
        for model, part in by_model.items()
    }


def mean_contributions(file: str | Path) -> dict[str, float]:
    """Mean contribution in dollars of teacher, base and tuned to the paper's public goods game.

    Errors: BadInput names the file and what it lacks.
    """
    rows = _read(file, ["model", "contribution", "count"])
    total = (pl.col("contribution") * pl.col("count")).sum() / pl.col("count").sum()
    means = dict(rows.group_by("model").agg(total).rows())
    if missing := [model for model in MODELS if model not in means]:
        raise BadInput(f"{file}: no contributions of {', '.join(missing)}")
    return means


def _read(file: str | Path, columns: list[str]) -> pl.DataFrame:
    try:
        return pl.read_csv(file).select(columns)
    except FileNotFoundError:
        raise BadInput(f"{file}: no such table of published counts") from None
    except pl.exceptions.PolarsError as error:
        raise BadInput(f"{file}: needs the columns {', '.join(columns)} ({str(error).splitlines()[0]})") from None
