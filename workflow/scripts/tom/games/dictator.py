"""The dictator game: one player divides an endowment, and the other has no say.

Source: Forsythe, Horowitz, Savin, Sefton, Fairness in Simple Bargaining Experiments (1994).
"""

from dataclasses import dataclass

from tom.games.rescaling import scaled_dollars


@dataclass(frozen=True)
class Dictator:
    """endowment: the dollars to divide."""

    name: str
    family: str
    endowment: int

    players = 2
    role = "dictator"
    asks_first = True
    question = "dictator"
    contexts = "contexts"

    @classmethod
    def read(cls, document: dict, name: str, file: str) -> "Dictator":
        """Build the game from a validated document.

        Errors: UserError for a name with a shift or a scale that gives cents.
        """
        return cls(name, document["family"], *scaled_dollars(name, document["endowment"]))

    def choices(self) -> range:
        """The dollars that may be given."""
        return range(self.endowment + 1)

    def fields(self) -> dict[str, str]:
        return {"endowment": f"{self.endowment}"}

    def moves(self) -> range:
        return self.choices()

    def replies(self, move: int) -> range:
        """A single reply, since the second player decides nothing."""
        return range(1)

    def planned(self, number: int, move: int) -> int:
        return 0

    def payoffs(self, move: int, reply: int) -> tuple[float, float]:
        return self.endowment - move, move
