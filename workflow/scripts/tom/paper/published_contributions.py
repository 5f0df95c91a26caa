"""The paper's teacher, base and tuned student in a public goods game, counted as the models of a run are."""

from pathlib import Path

import numpy as np
import polars as pl

from tom.evaluation.number_counts import Cell, Numbers
from tom.evaluation.number_gaps import MIDDLE, UNIFORM, gap_table
from tom.paper.published_choices import MODELS
from tom.parsing.outcomes import UNREADABLE
from tom.sampling.recorded import read_contribution_counts
from tom.statistics.resampling import Uncertainty


def published_contributions(
    file: str | Path, cells: list[Cell], choices: dict[str, range]
) -> dict[str, dict[Cell, Numbers]]:
    """Model → cell → contributions, of those cells that were published for all models.

    choices: game → what may be contributed. Errors: UserError names the file and what is wrong.
    """
    counts = {model: read_contribution_counts(file, model) for model in MODELS}
    return {
        model: {
            (game, context): _counted(found[game, context], choices[game])
            for game, context in cells
            if all((game, context) in each for each in counts.values())
        }
        for model, found in counts.items()
    }


def _counted(counts: dict[int, int], choices: range) -> Numbers:
    given = np.array([counts.get(number, 0) for number in choices])
    return Numbers(choices, given, None, dict.fromkeys(UNREADABLE, 0), None)


def published_gaps(published: dict[str, dict[Cell, Numbers]], uncertainty: Uncertainty, split: str) -> pl.DataFrame:
    """The paper's base and tuned student as rows of the table number_gaps, from the paper's own teacher and base."""
    rows = gap_table(published, uncertainty, split, ("paper",)).filter(~pl.col("predictor").is_in([UNIFORM, MIDDLE]))
    return rows.with_columns(predictor=pl.format("paper_{}", "predictor"))
