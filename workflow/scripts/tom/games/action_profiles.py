"""What several players may name, in whatever order: all of it, or where that is too much a part of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement
from math import comb

import numpy as np

MOST = 10_000_000
"""Payoffs held at a time, 80 MB of them."""
ALL, TWO = "all", "two"


@dataclass(frozen=True)
class Profiles:
    """named: what each player names, shape (players, profiles); which: ALL, or TWO different numbers at most."""

    named: np.ndarray
    which: str


def profiles(numbers: Sequence[int], players: int, most: int) -> Profiles | None:
    """ALL if there are no more than `most`, else those of TWO; None if they are too many as well.

    Who names what does not matter where all players are alike, so each profile stands for all of its orders.
    """
    many = len(numbers)
    counted = {ALL: comb(many + players - 1, players), TWO: many + comb(many, 2) * (players - 1)}
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
