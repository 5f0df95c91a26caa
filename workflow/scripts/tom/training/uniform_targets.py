"""Uniform targets: in contexts without a teacher, the student is trained towards chance, p = 0.5 for either action.

A student trained in a few contexts is confident and wrong in others, where chance is closer to the teacher
(docs/decisions.md). Training towards a uniform distribution outside the training data is outlier exposure.
Source: Hendrycks, Mazeika and Dietterich, Deep Anomaly Detection with Outlier Exposure (arXiv 1812.04606).
"""

from pathlib import Path
from statistics import mean

from tom.prompts.cells import CellFiles
from tom.prompts.prompts import CHOICE
from tom.prompts.variants import PAPER_VARIANT
from tom.training.examples import WeightedReply

Cell = tuple[CellFiles, tuple[WeightedReply, ...]]
"""The files of a cell, and the replies to learn in it."""


def uniform_target_cells(cells: list[Cell], contexts: list[Path], form: str) -> list[Cell]:
    """Every game of the cells in each of these contexts, with half of the replies cooperating and half defecting.

    form: of the prompt format, one of FORMS (tom/prompts/prompts.py). Each new cell weighs as much as the cells do on
    average: it has their mean number of replies, rounded to an even number and at least 2. Empty without cells.
    """
    if not cells:
        return []
    # Replies of one prompt alone are those of several prompts of their cell.
    sizes = [sum(reply.count for reply in replies) / len({reply.asked for reply in replies}) for _, replies in cells]
    half = max(1, round(mean(sizes) / 2))
    uniform = tuple(
        WeightedReply(PAPER_VARIANT.label(cooperates), half, form == CHOICE) for cooperates in (True, False)
    )
    games = {files.game: files for files, _ in cells}
    return [
        (CellFiles(game, files.game_file, context, files.prompt_format_file), uniform)
        for game, files in games.items()
        for context in contexts
    ]
