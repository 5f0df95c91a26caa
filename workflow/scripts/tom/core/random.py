"""Named random streams that are the same on every machine, equal shares, and derangements."""

import hashlib

import numpy as np


def share_out(observations: int, variants: int) -> list[int]:
    """The number of observations per variant: equal shares, with the remainder going to the first variants."""
    share, rest = divmod(observations, variants)
    return [share + (index < rest) for index in range(variants)]


def cell_generator(seed: int, *names: str) -> np.random.Generator:
    """A random generator for this seed and these names, independent of all others and the same on every machine."""
    digest = hashlib.sha256("\0".join([str(seed), *names]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def derangement(members: list[int], generator: np.random.Generator) -> list[tuple[int, int]]:
    """A random permutation without fixed points, as (member, its image) pairs.

    The permutation is a single cycle through all members, of which there must be at least two.
    """
    cycle = generator.permutation(members).tolist()
    return list(zip(cycle, [*cycle[1:], cycle[0]], strict=True))
