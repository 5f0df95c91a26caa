"""Fieller's sets: the ratios of two means that the data do not rule out."""

from dataclasses import dataclass
from math import inf, isfinite, nan, sqrt

INTERVAL, OUTSIDE, EVERYTHING, UNDEFINED = "interval", "outside", "everything", "undefined"


@dataclass(frozen=True)
class RatioSet:
    """A set of ratios.

    kind: `interval` is low to high, where a bound may be infinite; `outside` is all but what lies between low and high;
    `everything` rules out no ratio; `undefined` if there is no ratio.
    """

    kind: str
    low: float
    high: float

    def contains(self, ratio: float) -> bool:
        """Whether a ratio is in the set."""
        if self.kind == INTERVAL:
            return self.low <= ratio <= self.high
        return self.kind == EVERYTHING or (self.kind == OUTSIDE and (ratio <= self.low or ratio >= self.high))

    def scaled(self, factor: float) -> "RatioSet":
        """The same in another unit; factor > 0."""
        return RatioSet(self.kind, self.low * factor, self.high * factor)


def fieller(
    numerator: float, denominator: float, variances: tuple[float, float], covariance: float, critical: float
) -> RatioSet:
    """All θ with |numerator − θ · denominator| ≤ critical · its standard error.

    variances: sampling variances of the two means; critical: a quantile, of Student's t where the variances are
    estimated, else of the normal. Assumes that the two means are jointly normal. Where the denominator does not differ
    significantly from 0 the set is unbounded: `outside` or `everything`. Means that are nan, or a denominator of 0
    without any variance, give `undefined`.
    Source: Fieller, Some Problems in Interval Estimation (1954), solved as a quadratic inequality.
    """
    of_numerator, of_denominator = variances
    if not all(map(isfinite, (numerator, denominator, of_numerator, of_denominator, covariance, critical))):
        return RatioSet(UNDEFINED, nan, nan)
    square = critical**2
    a = denominator**2 - square * of_denominator
    b = numerator * denominator - square * covariance
    c = numerator**2 - square * of_numerator
    # The inequality is a·θ² − 2b·θ + c ≤ 0. Rounding may make a discriminant of 0 negative.
    root = sqrt(max(b**2 - a * c, 0.0))
    if a > 0:
        return RatioSet(INTERVAL, (b - root) / a, (b + root) / a)
    if a < 0:
        return RatioSet(OUTSIDE, (b + root) / a, (b - root) / a) if root > 0 else RatioSet(EVERYTHING, -inf, inf)
    if b != 0:
        return RatioSet(INTERVAL, *((c / (2 * b), inf) if b > 0 else (-inf, c / (2 * b))))
    return RatioSet(EVERYTHING, -inf, inf) if c <= 0 and of_denominator > 0 else RatioSet(UNDEFINED, nan, nan)
