"""The traveller's dilemma: both players get the lower of two claims, and who claimed it takes a bonus from the other.

Source: Basu, The Traveler's Dilemma: Paradoxes of Rationality in Game Theory (1994).
"""

from dataclasses import dataclass

from tom.core.errors import UserError
from tom.games.rescaling import scaled_dollars


@dataclass(frozen=True)
class TravellersDilemma:
    """lowest, highest: dollars that may be claimed; bonus: dollars that the higher claim pays to the lower."""

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
        """The game of a checked document. Errors: UserError."""
        if not document["lowest"] < document["highest"]:
            raise UserError(f"{file}: highest: {document['highest']} (allowed: above lowest, {document['lowest']})")
        return cls(name, document["family"], *scaled_dollars(name, *(document[key] for key in cls.dollars)))

    dollars = ("lowest", "highest", "bonus")

    def choices(self) -> range:
        """Dollars that may be claimed."""
        return range(self.lowest, self.highest + 1)

    def fields(self) -> dict[str, str]:
        return {key: f"{getattr(self, key)}" for key in self.dollars}

    def payoff(self, mine: int, others: tuple[int, ...]) -> float:
        (theirs,) = others
        lower, higher = mine < theirs, mine > theirs
        return lower * (mine + self.bonus) + higher * (theirs - self.bonus) + (mine == theirs) * mine
