"""What the payoffs of a game say in which all players name a number at the same time.

Only outcomes in which all name the same are looked at: there are as many of them as numbers, where there are
101 ** 10 outcomes of a beauty contest among ten.
Source: Osborne and Rubinstein, A Course in Game Theory (1994), chapter 2.
"""

from tom.number_games.forms import SymmetricGame
from tom.structure.largest import largest


def symmetric_equilibria(game: SymmetricGame) -> list[int]:
    """Numbers that, named by all, no player would leave alone."""
    return [number for number in game.choices() if number in best_replies(game, number)]


def best_replies(game: SymmetricGame, named: int) -> list[int]:
    """What pays a player most when all others name the same number."""
    others = (named,) * (game.players - 1)
    return largest({mine: game.payoff(mine, others) for mine in game.choices()})


def common_optima(game: SymmetricGame) -> list[int]:
    """Numbers that, named by all, give all together most."""
    return largest({number: game.payoff(number, (number,) * (game.players - 1)) for number in game.choices()})
