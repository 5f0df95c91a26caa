"""Public goods games: each of some players gives a whole number of dollars, and what all give is multiplied and shared.

Source: the public goods game of Lorè, Ilami, Heydari (arXiv 2408.05241); Ledyard, Public Goods: A Survey of
Experimental Research (1995), for the dilemma.
"""

from dataclasses import dataclass
from pathlib import Path

from tom.asking.rescaling import split_rescaling
from tom.documents import read_checked
from tom.errors import BadInput

SHARING = {"equal": "equally"}
"""Rule by which the multiplied sum is shared → the same as a prompt says it."""


@dataclass(frozen=True)
class NumberGame:
    """A public goods game. players: with the one who is asked; endowment: dollars of each; sharing: one of SHARING."""

    name: str
    family: str
    players: int
    endowment: int
    multiplier: float
    sharing: str

    def amounts(self) -> range:
        """What a player may give, in dollars."""
        return range(self.endowment + 1)


def load_number_game(file: str | Path, name: str) -> NumberGame:
    """Read a game file, check that it is a dilemma, and scale its endowment if `name` says so.

    Errors: BadInput names the file, the key and what is allowed there.
    """
    document = read_checked(file, "public_goods")
    players, multiplier = document["players"], document["multiplier"]
    if not 1 < multiplier < players:
        raise BadInput(
            f"{file}: multiplier: {multiplier:g} is no dilemma among {players} players"
            f" (allowed: above 1 and below {players})"
        )
    _, rescaling = split_rescaling(name)
    if rescaling.shift:
        raise BadInput(f"game '{name}': an endowment is not shifted (allowed: a scale, such as -x2)")
    endowment = rescaling.of(document["endowment"])
    if endowment != int(endowment):
        raise BadInput(f"game '{name}': {endowment:g} dollars are no whole number (allowed: a scale that leaves one)")
    return NumberGame(name, document["family"], players, int(endowment), multiplier, document["sharing"])
