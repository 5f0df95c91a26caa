"""The beauty contest: the number closest to a fraction of the mean of all numbers wins a prize.

Source: Nagel, Unraveling in Guessing Games: An Experimental Study (1995).
"""

from dataclasses import dataclass
from fractions import Fraction

from tom.core.errors import UserError
from tom.games.rescaling import scaled_dollars


@dataclass(frozen=True)
class BeautyContest:
    """players: including the asked one.

    highest: the largest number. factor: of the mean. prize: in dollars, split in a tie.
    """

    name: str
    family: str
    players: int
    highest: int
    factor: Fraction
    prize: int

    question = "beauty_contest"
    contexts = "group_contexts"

    @classmethod
    def read(cls, document: dict, name: str, file: str) -> "BeautyContest":
        """Build the game from a validated document. A scale in the name multiplies the prize.

        Errors: UserError if the factor is not between 0 and 1, or for a shift or a scale that gives cents.
        """
        factor = Fraction(document["factor"])
        if not 0 < factor < 1:
            raise UserError(f"{file}: factor: {factor} (allowed: above 0 and below 1)")
        (prize,) = scaled_dollars(name, document["prize"])
        return cls(name, document["family"], document["players"], document["highest"], factor, prize)

    def choices(self) -> range:
        """The numbers that a player may choose."""
        return range(self.highest + 1)

    def fields(self) -> dict[str, str]:
        return {
            "players": f"{self.players}",
            "others": f"{self.players - 1}",
            "highest": f"{self.highest}",
            "factor": f"{self.factor}",
            "prize": f"{self.prize}",
        }

    def payoff(self, mine: int, others: tuple[int, ...]) -> float:
        # In this unit every distance from the target is an integer, so ties are exact.
        unit, target = self.players * self.factor.denominator, self.factor.numerator * (mine + sum(others))
        own, theirs = abs(unit * mine - target), [abs(unit * number - target) for number in others]
        nearer, as_near = (sum(found) for found in ([far < own for far in theirs], [far == own for far in theirs]))
        return self.prize * (nearer == 0) / (1 + as_near)
