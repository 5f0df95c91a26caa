"""The traveller's dilemma: both players get the lower claim, and a bonus goes from the higher claimant to the lower.

Source: Basu, The Traveler's Dilemma: Paradoxes of Rationality in Game Theory (1994).
"""

from dataclasses import dataclass

from tom.core.errors import UserError
from tom.games.rescaling import scaled_dollars


@dataclass(frozen=True)
class TravellersDilemma:
    """lowest, highest: the range of claims in dollars.

    bonus: the dollars that the higher claimant pays to the lower.
    """

    name: str
    family: str
    lowest: int
    highest: int
    bonus: int

    players = 2
    question = "travellers_dilemma"
    contexts = "contexts"

    @classmethod
    def read(cls, document: dict, name: str, file: str) -> "TravellersDilemma":
        """Build the game from a validated document.

        Errors: UserError unless lowest < highest, or for a name with a shift or a scale that gives cents.
        """
        if not document["lowest"] < document["highest"]:
            raise UserError(f"{file}: highest: {document['highest']} (allowed: above lowest, {document['lowest']})")
        return cls(name, document["family"], *scaled_dollars(name, *(document[key] for key in cls.dollars)))

    dollars = ("lowest", "highest", "bonus")

    def choices(self) -> range:
        """The dollars that may be claimed."""
        return range(self.lowest, self.highest + 1)

    def fields(self) -> dict[str, str]:
        return {key: f"{getattr(self, key)}" for key in self.dollars}

    def payoff(self, mine: int, others: tuple[int, ...]) -> float:
        (theirs,) = others
        lower, higher = mine < theirs, mine > theirs
        return lower * (mine + self.bonus) + higher * (theirs - self.bonus) + (mine == theirs) * mine
