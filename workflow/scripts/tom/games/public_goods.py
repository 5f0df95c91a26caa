"""The public goods game: contributions are multiplied and shared, and each player keeps what it does not contribute.

Source: the public goods game of Lorè, Ilami, Heydari (arXiv 2408.05241); Ledyard, Public Goods: A Survey of
Experimental Research (1995), for the conditions of a dilemma.
"""

from dataclasses import dataclass

from tom.core.errors import UserError
from tom.games.rescaling import scaled_dollars

SHARING = {"equal": "equally"}
"""Sharing rule of the multiplied sum → its wording in a prompt."""


@dataclass(frozen=True)
class PublicGoods:
    """players: including the asked one. endowment: each player's dollars. sharing: one of SHARING."""

    name: str
    family: str
    players: int
    endowment: int
    multiplier: float
    sharing: str

    question = "public_goods"
    contexts = "group_contexts"

    @classmethod
    def read(cls, document: dict, name: str, file: str) -> "PublicGoods":
        """Build the game from a validated document.

        Errors: UserError if it is not a dilemma, or for a name with a shift or a scale that gives cents.
        """
        players, multiplier = document["players"], document["multiplier"]
        if not 1 < multiplier < players:
            raise UserError(
                f"{file}: multiplier: {multiplier:g} is no dilemma among {players} players"
                f" (allowed: above 1 and below {players})"
            )
        (endowment,) = scaled_dollars(name, document["endowment"])
        return cls(name, document["family"], players, endowment, multiplier, document["sharing"])

    def choices(self) -> range:
        """The dollars that a player may contribute."""
        return range(self.endowment + 1)

    def fields(self) -> dict[str, str]:
        return {
            "players": f"{self.players}",
            "others": f"{self.players - 1}",
            "endowment": f"{self.endowment}",
            "multiplier": f"{self.multiplier:.12g}",
            "sharing": SHARING[self.sharing],
        }

    def payoff(self, mine: int, others: tuple[int, ...]) -> float:
        return self.endowment - mine + self.multiplier * (mine + sum(others)) / self.players
