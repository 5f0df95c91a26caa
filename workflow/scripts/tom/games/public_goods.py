"""Public goods: each player keeps what it does not give; what all give is multiplied and shared.

Source: the public goods game of Lorè, Ilami, Heydari (arXiv 2408.05241); Ledyard, Public Goods: A Survey of
Experimental Research (1995), for the dilemma.
"""

from dataclasses import dataclass

from tom.core.errors import UserError
from tom.games.rescaling import scaled_dollars

SHARING = {"equal": "equally"}
"""Rule by which the multiplied sum is shared → the same as a prompt says it."""


@dataclass(frozen=True)
class PublicGoods:
    """players: with the one who is asked; endowment: dollars of each; sharing: one of SHARING."""

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
        """The game of a checked document. Errors: UserError unless it is a dilemma in whole dollars."""
        players, multiplier = document["players"], document["multiplier"]
        if not 1 < multiplier < players:
            raise UserError(
                f"{file}: multiplier: {multiplier:g} is no dilemma among {players} players"
                f" (allowed: above 1 and below {players})"
            )
        (endowment,) = scaled_dollars(name, document["endowment"])
        return cls(name, document["family"], players, endowment, multiplier, document["sharing"])

    def choices(self) -> range:
        """Dollars that a player may give."""
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
