"""What the payoffs of a game say in which one player moves and the other replies, by backward induction.

Source: Osborne and Rubinstein, A Course in Game Theory (1994), chapter 6: subgame perfection.
"""

from tom.number_games.forms import SequentialGame
from tom.structure.largest import largest


def perfect_equilibria(game: SequentialGame) -> list[int]:
    """The asked player's numbers in some subgame perfect equilibrium.

    Of the first player: moves that pay most against some best replies of the second, who may be indifferent. Of the
    second: plans that hold a best reply to every move.
    """
    replies = {move: best_replies(game, move) for move in game.moves()}
    if not game.asks_first:
        return [
            number
            for number in game.choices()
            if all(game.planned(number, move) in best for move, best in replies.items())
        ]
    gains = {move: [game.payoffs(move, reply)[0] for reply in best] for move, best in replies.items()}
    # Where the second is indifferent, it may favour this move and no other.
    sure = max(min(gain) for gain in gains.values())
    return [move for move, gain in gains.items() if max(gain) >= sure]


def best_replies(game: SequentialGame, move: int) -> list[int]:
    """What pays the second player most after a move."""
    return largest({reply: game.payoffs(move, reply)[1] for reply in game.replies(move)})


def social_optima(game: SequentialGame) -> list[int]:
    """The asked player's numbers with the largest sum of payoffs.

    Of the first player: moves that some reply makes so. Of the second: plans that make most of every move.
    """
    sums = {move: {reply: sum(game.payoffs(move, reply)) for reply in game.replies(move)} for move in game.moves()}
    if game.asks_first:
        return largest({move: max(found.values()) for move, found in sums.items()})
    return [
        number
        for number in game.choices()
        if all(game.planned(number, move) in largest(found) for move, found in sums.items())
    ]
