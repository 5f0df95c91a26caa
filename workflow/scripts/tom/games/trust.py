"""The trust game: one player sends part of an endowment, which is multiplied, and the other returns part of that.

Source: Berg, Dickhaut, McCabe, Trust, Reciprocity, and Social History (1995).
"""

from dataclasses import dataclass

from tom.core.errors import UserError
from tom.games.rescaling import scaled_dollars

SENDER, RETURNER = "sender", "returner"


@dataclass(frozen=True)
class Trust:
    """endowment: the sender's dollars.

    sent: the dollars that a returner knows were sent; None if the sender is asked.
    """

    name: str
    family: str
    endowment: int
    multiplier: int
    role: str
    sent: int | None = None

    players = 2
    contexts = "contexts"

    @classmethod
    def read(cls, document: dict, name: str, file: str) -> "Trust":
        """Build the game from a validated document.

        Errors: UserError if more is sent than the endowment, or for a name with a shift or a scale that gives cents.
        """
        sent = document.get("sent")
        if sent is not None and sent > document["endowment"]:
            raise UserError(f"{file}: sent: {sent} (allowed: 1 to {document['endowment']}, the endowment)")
        endowment, *known = scaled_dollars(name, document["endowment"], *([] if sent is None else [sent]))
        return cls(name, document["family"], endowment, document["multiplier"], document["role"], *known)

    @property
    def asks_first(self) -> bool:
        return self.role == SENDER

    @property
    def question(self) -> str:
        return f"trust_{self.role}"

    def choices(self) -> range:
        """The dollars that may be sent or, for a returner, returned."""
        return range(self.endowment + 1) if self.sent is None else self.replies(self.sent)

    def fields(self) -> dict[str, str]:
        known = {} if self.sent is None else {"sent": f"{self.sent}", "received": f"{self.multiplier * self.sent}"}
        return {"endowment": f"{self.endowment}", "multiplier": f"{self.multiplier}", **known}

    def moves(self) -> range:
        return range(self.endowment + 1) if self.sent is None else range(self.sent, self.sent + 1)

    def replies(self, move: int) -> range:
        """The dollars that may be returned."""
        return range(self.multiplier * move + 1)

    def planned(self, number: int, move: int) -> int:
        return number

    def payoffs(self, move: int, reply: int) -> tuple[float, float]:
        return self.endowment - move + reply, self.multiplier * move - reply
