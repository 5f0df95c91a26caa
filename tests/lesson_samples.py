"""Lessons over real prompts, for tests of what is learnt from them."""

from regenerate_golden import cell_files

from tom.asking.cells import render_variants
from tom.asking.variants import ORDERS, asked
from tom.teaching.lessons import Lesson, Taught


def lesson(game: str, context: str, *replies: tuple, order: int = 0) -> Lesson:
    """The cell's prompt in one listing order, with replies (the fields of Taught)."""
    messages = render_variants(cell_files(game, context), asked([ORDERS[order]]))[0]
    return Lesson(f"{game}/{ORDERS[order]}", context, messages, tuple(Taught(*reply) for reply in replies))
