"""The ultimatum game: one player offers part of an endowment; if the other rejects the offer, both get nothing.

The responder is asked for the smallest offer that it accepts, which is a plan for every offer.
Source: Güth, Schmittberger, Schwarze, An Experimental Analysis of Ultimatum Bargaining (1982). For the plan:
Mitzkewitz, Nagel, Experimental Results on Ultimatum Games with Incomplete Information (1993).
"""

from dataclasses import dataclass

from tom.games.rescaling import scaled_dollars

PROPOSER, RESPONDER = "proposer", "responder"


@dataclass(frozen=True)
class Ultimatum:
    """endowment: the dollars to divide. role: the asked player's."""

    name: str
    family: str
    endowment: int
    role: str

    players = 2
    contexts = "contexts"

    @classmethod
    def read(cls, document: dict, name: str, file: str) -> "Ultimatum":
        """Build the game from a validated document.

        Errors: UserError for a name with a shift or a scale that gives cents.
        """
        return cls(name, document["family"], *scaled_dollars(name, document["endowment"]), document["role"])

    @property
    def asks_first(self) -> bool:
        return self.role == PROPOSER

    @property
    def question(self) -> str:
        return f"ultimatum_{self.role}"

    def choices(self) -> range:
        """The dollars that may be offered or, for a responder, be the smallest accepted offer."""
        return range(self.endowment + 1)

    def fields(self) -> dict[str, str]:
        return {"endowment": f"{self.endowment}"}

    def moves(self) -> range:
        return self.choices()

    def replies(self, move: int) -> range:
        """0 rejects the offer, 1 accepts it."""
        return range(2)

    def planned(self, number: int, move: int) -> int:
        return int(move >= number)

    def payoffs(self, move: int, reply: int) -> tuple[float, float]:
        return (self.endowment - move, move) if reply else (0, 0)
