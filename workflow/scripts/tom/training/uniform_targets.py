"""Contexts that no teacher was asked in, taught as chance: what a student is to say where it was told nothing.

A student of a few contexts is sure of itself in others, and wrong: chance is nearer to the teacher there
(docs/decisions.md). Teaching a uniform answer to what lies outside of the taught is outlier exposure (Hendrycks,
Mazeika and Dietterich, arXiv 1812.04606).
"""

from pathlib import Path
from statistics import mean

from tom.prompts.cells import CellFiles
from tom.prompts.prompts import CHOICE
from tom.prompts.variants import PAPER_VARIANT
from tom.training.examples import WeightedReply

Cell = tuple[CellFiles, tuple[WeightedReply, ...]]
"""A cell's texts, and what is taught there."""


def uniform_target_cells(taught: list[Cell], contexts: list[Path], form: str) -> list[Cell]:
    """Every taught game in each of these contexts, with either choice in one half of the replies.

    form: of the prompt_format (tom/prompts/prompts.py). There are as many replies as a taught cell has on average, two at
    least, and none where nothing is taught.
    """
    if not taught:
        return []
    half = max(1, round(mean(sum(reply.count for reply in replies) for _, replies in taught) / 2))
    chance = tuple(WeightedReply(PAPER_VARIANT.label(cooperates), half, form == CHOICE) for cooperates in (True, False))
    games = {files.game: files for files, _ in taught}
    return [
        (CellFiles(game, files.game_file, context, files.prompt_format_file), chance)
        for game, files in games.items()
        for context in contexts
    ]
