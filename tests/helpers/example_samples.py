"""Examples over real prompts, for tests of what is learnt from them."""

from regenerate_golden import cell_files

from tom.prompts.cells import render_variants
from tom.prompts.variants import ORDERS, asked
from tom.training.examples import TrainingExample, WeightedReply


def example(game: str, context: str, *replies: tuple, order: int = 0) -> TrainingExample:
    """The cell's prompt in one listing order, with replies (the fields of WeightedReply)."""
    messages = render_variants(cell_files(game, context), asked([ORDERS[order]]))[0]
    return TrainingExample(
        f"{game}/{ORDERS[order]}", context, messages, tuple(WeightedReply(*reply) for reply in replies)
    )


def crossed_examples() -> list[TrainingExample]:
    """Games and contexts in every combination, of which no sum of a game's and a context's share is the teacher's."""
    shares = {("stag_hunt", "sports"): 9, ("stag_hunt", "teamwork"): 2, ("snowdrift", "sports"): 2}
    shares |= {("snowdrift", "teamwork"): 9}
    return [example(*cell, ("C", 10 * share), ("D", 100 - 10 * share)) for cell, share in shares.items()]
