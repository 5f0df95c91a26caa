"""A random circle, in which everyone takes from another."""

import numpy as np


def circle(members: list[int], generator: np.random.Generator) -> list[tuple[int, int]]:
    """(taker, giver) of each of two members or more: a derangement, in which every other member is equally likely."""
    order = generator.permutation(members).tolist()
    return list(zip(order, [*order[1:], order[0]], strict=True))
