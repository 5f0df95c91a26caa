"""Which of a player's numbers are better than others whatever happens, from a table of its payoffs.

payoffs: shape (numbers, circumstances). Numbers are compared with one another and not with mixtures of several; payoffs
that differ by rounding alone are equal.
Source: Osborne and Rubinstein, A Course in Game Theory (1994), chapter 4.
"""

import numpy as np


def dominant(payoffs: np.ndarray) -> np.ndarray:
    """Whether each number is a best reply to every circumstance."""
    return _best(payoffs).all(axis=1)


def strictly_dominated(payoffs: np.ndarray) -> np.ndarray:
    """Whether some other number pays more in every circumstance."""
    margin = _margin(payoffs)
    never_best = np.flatnonzero(~_best(payoffs).any(axis=1))
    found = np.zeros(len(payoffs), bool)
    found[never_best] = [(payoffs > payoffs[number] + margin).all(axis=1).any() for number in never_best]
    return found


def weakly_dominated(payoffs: np.ndarray) -> np.ndarray:
    """Whether some other number never pays less and sometimes more; those that are strictly dominated among them."""
    margin, best = _margin(payoffs), _best(payoffs)

    def is_dominated(number: int) -> bool:
        # What dominates a number is a best reply to whatever that is one to, which leaves few to compare.
        low, high = payoffs[number] - margin, payoffs[number] + margin
        rivals = np.flatnonzero(best[:, best[number]].all(axis=1))
        return any((payoffs[rival] >= low).all() and (payoffs[rival] > high).any() for rival in rivals)

    return np.array([is_dominated(number) for number in range(len(payoffs))])


def _best(payoffs: np.ndarray) -> np.ndarray:
    return payoffs >= payoffs.max(axis=0) - _margin(payoffs)


def _margin(payoffs: np.ndarray) -> float:
    return 1e-9 * max(1.0, np.abs(payoffs).max())
