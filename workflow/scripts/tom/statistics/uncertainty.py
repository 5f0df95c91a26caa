"""How certain results are to be: resamples, confidence, and the margin of equivalence."""

import argparse
from dataclasses import dataclass

import numpy as np

from tom.core.random import cell_generator


@dataclass(frozen=True)
class Uncertainty:
    """draws: resamples behind each interval; margin: propensities less than this apart count as equivalent."""

    draws: int
    confidence: float
    seed: int
    margin: float

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """One required flag for each."""
        parser.add_argument("--bootstrap", type=int, required=True, help="resamples for each interval")
        parser.add_argument("--confidence", type=float, required=True, help="of all intervals, e.g. 0.95")
        parser.add_argument("--margin", type=float, required=True, help="of equivalence, in propensity, e.g. 0.1")
        parser.add_argument("--seed", type=int, required=True)

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> "Uncertainty":
        """The uncertainty that parsed flags name."""
        return cls(arguments.bootstrap, arguments.confidence, arguments.seed, arguments.margin)

    def generator(self, *names: str) -> np.random.Generator:
        """An independent generator for each model of each table."""
        return cell_generator(self.seed, "bootstrap", *names)
