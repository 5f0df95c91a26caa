"""Counts and exact propensities, redrawn to show their sampling noise; and how much of it is to be measured."""

import argparse
from dataclasses import dataclass

import numpy as np

from tom.core.random import cell_generator

PIECE = 500
"""Resamples that are drawn at a time."""


@dataclass(frozen=True)
class Uncertainty:
    """The settings of all intervals and tests.

    draws: resamples of each interval. confidence: of all intervals. margin: propensities closer than this are
    equivalent.
    """

    draws: int
    confidence: float
    seed: int
    margin: float

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add one required flag for each field."""
        parser.add_argument("--bootstrap", type=int, required=True, help="resamples for each interval")
        parser.add_argument("--confidence", type=float, required=True, help="of all intervals, e.g. 0.95")
        parser.add_argument("--margin", type=float, required=True, help="of equivalence, in propensity, e.g. 0.1")
        parser.add_argument("--seed", type=int, required=True)

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> "Uncertainty":
        """The uncertainty of parsed flags."""
        return cls(arguments.bootstrap, arguments.confidence, arguments.seed, arguments.margin)

    def generator(self, *names: str) -> np.random.Generator:
        """An independent generator for these names, such as a table and a model; the same on every machine."""
        return cell_generator(self.seed, "bootstrap", *names)


@dataclass(frozen=True)
class Counted:
    """Counts of one model, both (cells, orders). Readable replies either cooperate or defect."""

    cooperated: np.ndarray
    readable: np.ndarray

    def rates(self) -> np.ndarray:
        """(cells,): propensities averaged over the orders with equal weight; nan if an order has no readable reply."""
        return _ratio(self.cooperated, self.readable).mean(axis=1)

    def variances(self) -> np.ndarray:
        """(cells,): sampling variances of the rates.

        Each share is taken as (cooperated + 1/2) / (readable + 1), so that 0 of n has a variance too. A count without
        replies gives nan. Source: Agresti, Categorical Data Analysis, on adding 1/2 to a count of zero.
        """
        share = (self.cooperated + 0.5) / (self.readable + 1)
        return _ratio(share * (1 - share), self.readable).sum(axis=1) / self.readable.shape[1] ** 2

    def redrawn(self, draws: int, generator: np.random.Generator) -> np.ndarray:
        """(draws, cells): the rates of binomial resamples, each count drawn at its own observed rate.

        Counts of 0 or n of n do not vary, as in every parametric bootstrap.
        """
        share = np.nan_to_num(_ratio(self.cooperated, self.readable))
        found = np.empty((draws, len(share)))
        # In pieces, which draw the same stream: with a thousand cells the counts of all draws take 160 MB.
        for start in range(0, draws, PIECE):
            size = (min(PIECE, draws - start), *share.shape)
            resampled = generator.binomial(self.readable, share, size=size)
            found[start : start + PIECE] = _ratio(resampled, self.readable).mean(axis=2)
        return found

    def cells(self, kept: np.ndarray | list[int]) -> "Counted":
        """The same for some of the cells; kept: (cells,) of booleans, or the indices of cells in the wanted order."""
        return Counted(self.cooperated[kept], self.readable[kept])

    def pooled(self) -> "Counted":
        """All orders as one: arrays (cells, 1)."""
        return Counted(self.cooperated.sum(axis=1, keepdims=True), self.readable.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Known:
    """Propensities known exactly, (cells, orders), such as an engine's. Resampling does not change them."""

    propensities: np.ndarray

    def rates(self) -> np.ndarray:
        """(cells,): averaged over the orders with equal weight."""
        return self.propensities.mean(axis=1)

    def variances(self) -> np.ndarray:
        """(cells,): nothing varies."""
        return np.zeros(len(self.propensities))

    def redrawn(self, draws: int, generator: np.random.Generator) -> np.ndarray:
        """(1, cells): the rates themselves, which broadcast against any number of draws."""
        return self.rates()[np.newaxis]

    def cells(self, kept: np.ndarray) -> "Known":
        """The same for some of the cells; kept: (cells,) of booleans."""
        return Known(self.propensities[kept])


Answers = Counted | Known


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """numerator / denominator, nan where the denominator is 0."""
    return numerator / np.where(denominator > 0, denominator, np.nan)
