"""How uncertainty is measured: resamples, confidence, and the margin of equivalence."""

import argparse
from dataclasses import dataclass

import numpy as np

from tom.core.random import cell_generator


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
