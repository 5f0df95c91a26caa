"""Action profiles of several interchangeable players: all of them or, if there are too many, a subset."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement
from math import comb

import numpy as np

MAX_PAYOFFS = 10_000_000
"""Payoffs held in memory at a time: 80 MB."""
ALL, TWO = "all", "two"


@dataclass(frozen=True)
class Profiles:
    """named: each player's number, shape (players, profiles). which: ALL profiles, or those of at most TWO numbers."""

    named: np.ndarray
    which: str


def profiles(numbers: Sequence[int], players: int, most: int) -> Profiles | None:
    """All profiles if there are at most `most`, else those of at most two numbers; None if these are too many as well.

    The players are interchangeable, so each profile stands for all of its permutations.
    """
    size = len(numbers)
    counted = {ALL: comb(size + players - 1, players), TWO: size + comb(size, 2) * (players - 1)}
    listed = {ALL: combinations_with_replacement(numbers, players), TWO: _of_two(numbers, players)}
    for which, count in counted.items():
        if count <= most:
            flat = np.fromiter((number for profile in listed[which] for number in profile), int, count * players)
            return Profiles(flat.reshape(count, players).T, which)
    return None


def _of_two(numbers: Sequence[int], players: int) -> Iterator[tuple[int, ...]]:
    yield from ((number,) * players for number in numbers)
    for one, other in combinations(numbers, 2):
        yield from ((one,) * first + (other,) * (players - first) for first in range(1, players))
