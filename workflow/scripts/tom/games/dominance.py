"""Dominance among a player's numbers, from a table of its payoffs.

payoffs: shape (numbers, circumstances), where a circumstance is what the other players do. Dominance by mixed
strategies is not considered. Payoffs that differ only by rounding count as equal. Each function returns bool, shape
(numbers,).
Source: Osborne and Rubinstein, A Course in Game Theory (1994), chapter 4.
"""

import numpy as np


def dominant(payoffs: np.ndarray) -> np.ndarray:
    """Whether each number is a best reply in every circumstance."""
    return _best(payoffs).all(axis=1)


def strictly_dominated(payoffs: np.ndarray) -> np.ndarray:
    """Whether another number pays more in every circumstance."""
    margin = _margin(payoffs)
    never_best = np.flatnonzero(~_best(payoffs).any(axis=1))
    found = np.zeros(len(payoffs), bool)
    found[never_best] = [(payoffs > payoffs[number] + margin).all(axis=1).any() for number in never_best]
    return found


def weakly_dominated(payoffs: np.ndarray) -> np.ndarray:
    """Whether another number never pays less and sometimes more. This includes strictly dominated numbers."""
    margin, best = _margin(payoffs), _best(payoffs)

    def is_dominated(number: int) -> bool:
        # A dominating number is a best reply wherever the dominated one is, which leaves few candidates.
        low, high = payoffs[number] - margin, payoffs[number] + margin
        rivals = np.flatnonzero(best[:, best[number]].all(axis=1))
        return any((payoffs[rival] >= low).all() and (payoffs[rival] > high).any() for rival in rivals)

    return np.array([is_dominated(number) for number in range(len(payoffs))])


def _best(payoffs: np.ndarray) -> np.ndarray:
    return payoffs >= payoffs.max(axis=0) - _margin(payoffs)


def _margin(payoffs: np.ndarray) -> float:
    return 1e-9 * max(1.0, np.abs(payoffs).max())
