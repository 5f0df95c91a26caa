"""Behavioural models: how often a player takes its first action, computed from the payoffs of a 2x2 game.

A player that expects the other to take its first action with probability q takes its own with probability

    σ(rate × (q (u(1, 1) − u(2, 1)) + (1 − q) (u(1, 2) − u(2, 2))))

where u is its utility, in points, of its own and the other's action. Sources:
- σ and `rate`, the quantal response: McKelvey and Palfrey, Quantal Response Equilibria for Normal Form Games (1995). At
  rate 0 the player tosses a coin, at a large one it takes the better action. q is a given belief, not an equilibrium.
- `level` in place of a belief: Stahl and Wilson, On Players' Models of Other Players (1995). Level 0 tosses a coin, and
  level k responds to a player of level k − 1.
- `envy` and `guilt`: Fehr and Schmidt, A Theory of Fairness, Competition, and Cooperation (1999). Utility is lower by
  envy times what the other gets more, and by guilt times what it gets less.
- `altruism`: a share of the other's points is added, as in Becker, A Theory of Social Interactions (1974).
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from tom.core.yaml_files import read_checked
from tom.games.game import Game

NO_MORE = ("source", "contexts")


@dataclass(frozen=True)
class Behaviour:
    """A behavioural model's parameters. rate: per point. belief, or level: one of the two is None."""

    rate: float
    belief: float | None = None
    level: int | None = None
    altruism: float = 0.0
    envy: float = 0.0
    guilt: float = 0.0

    def propensity(self, game: Game) -> float:
        """The probability of the asked player's first action."""
        return self.response(game, self.belief) if self.level is None else self._at_level(game, self.level)

    def _at_level(self, game: Game, level: int) -> float:
        return self.response(game, self._at_level(game.mirrored(), level - 1)) if level else 0.5

    def response(self, game: Game, belief: float) -> float:
        """The quantal response to a belief: the probability that the other takes its first action."""
        gain = sum(
            weight * (self.utility(*game.points(True, theirs)) - self.utility(*game.points(False, theirs)))
            for theirs, weight in ((True, belief), (False, 1 - belief))
        )
        # The logistic function, without overflow.
        return (1 + math.tanh(self.rate * gain / 2)) / 2

    def utility(self, mine: float, theirs: float) -> float:
        """The utility, in points, of an outcome's points."""
        inequity = self.envy * max(theirs - mine, 0) + self.guilt * max(mine - theirs, 0)
        return mine + self.altruism * theirs - inequity


def load_behaviour(file: str | Path, context: str) -> Behaviour:
    """The behavioural model of a file in a context. Errors: UserError names the file, the key and what is allowed."""
    document = read_checked(file, "behaviour")
    general = {key: value for key, value in document.items() if key not in NO_MORE}
    return replace(Behaviour(**general), **document.get("contexts", {}).get(context, {}))
