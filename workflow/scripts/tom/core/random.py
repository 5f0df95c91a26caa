"""Random streams: one for each purpose, the same on every machine; equal shares; derangements."""

import hashlib

import numpy as np


def share_out(observations: int, variants: int) -> list[int]:
    """Equal shares of the observations; the first variants take what is left over."""
    share, rest = divmod(observations, variants)
    return [share + (index < rest) for index in range(variants)]


def cell_generator(seed: int, *names: str) -> np.random.Generator:
    """An independent random generator for each (seed, names), the same on every machine."""
    digest = hashlib.sha256("\0".join([str(seed), *names]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def derangement(members: list[int], generator: np.random.Generator) -> list[tuple[int, int]]:
    """(taker, giver) of each of two or more members, drawn at random; nobody takes from itself."""
    order = generator.permutation(members).tolist()
    return list(zip(order, [*order[1:], order[0]], strict=True))
