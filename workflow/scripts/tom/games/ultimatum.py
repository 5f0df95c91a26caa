"""The ultimatum game: one player offers a part of an endowment, the other accepts, or neither gets anything.

The responder is asked for the smallest offer that it accepts, which is a plan for every offer.
Source: Güth, Schmittberger, Schwarze, An Experimental Analysis of Ultimatum Bargaining (1982); the plan: Mitzkewitz,
Nagel, Experimental Results on Ultimatum Games with Incomplete Information (1993).
"""

from dataclasses import dataclass

from tom.games.rescaling import scaled_dollars

PROPOSER, RESPONDER = "proposer", "responder"


@dataclass(frozen=True)
class Ultimatum:
    """endowment: dollars that are divided; role: of the player who is asked."""

    name: str
    family: str
    endowment: int
    role: str

    players = 2
    contexts = "contexts"

    @classmethod
    def read(cls, document: dict, name: str, file: str) -> "Ultimatum":
        """The game of a checked document. Errors: UserError."""
        return cls(name, document["family"], *scaled_dollars(name, document["endowment"]), document["role"])

    @property
    def asks_first(self) -> bool:
        return self.role == PROPOSER

    @property
    def question(self) -> str:
        return f"ultimatum_{self.role}"

    def choices(self) -> range:
        """Dollars that may be offered, or of which the smallest accepted offer may be."""
        return range(self.endowment + 1)

    def fields(self) -> dict[str, str]:
        return {"endowment": f"{self.endowment}"}

    def moves(self) -> range:
        return self.choices()

    def replies(self, move: int) -> range:
        """0 refuses the offer, 1 accepts it."""
        return range(2)

    def planned(self, number: int, move: int) -> int:
        return int(move >= number)

    def payoffs(self, move: int, reply: int) -> tuple[float, float]:
        return (self.endowment - move, move) if reply else (0, 0)
