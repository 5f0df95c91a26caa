"""What the payoffs of a game say in which one player moves and the other replies.

Source: Osborne and Rubinstein, A Course in Game Theory (1994), chapter 6: subgame perfection; chapter 4: dominance.
"""

import numpy as np

from tom.games.equilibria import largest
from tom.games.number_game import SequentialGame


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


def pareto_optimal(game: SequentialGame) -> list[int]:
    """The asked player's numbers in an outcome than which none is as good for both and better for one.

    Of the first player: moves that some reply makes so, among all outcomes. Of the second: plans whose reply to every
    move is so among the replies to that move.
    """
    outcomes = {move: {reply: game.payoffs(move, reply) for reply in game.replies(move)} for move in game.moves()}
    if game.asks_first:
        every = [payoffs for found in outcomes.values() for payoffs in found.values()]
        return [
            move for move, found in outcomes.items() if any(_efficient(payoffs, every) for payoffs in found.values())
        ]
    efficient = {
        move: {reply for reply, payoffs in found.items() if _efficient(payoffs, list(found.values()))}
        for move, found in outcomes.items()
    }
    return [
        number
        for number in game.choices()
        if all(game.planned(number, move) in replies for move, replies in efficient.items())
    ]


def payoff_table(game: SequentialGame) -> np.ndarray:
    """The asked player's payoffs, shape (numbers, circumstances), as far as they tell one number from another.

    Of the second player: against each move. Of the first: against plans that reply as well as can be to one move and as
    badly as can be to all others, one plan for each move; replies to two moves have nothing to do with one another, so
    no other plan speaks more for either.
    """
    if not game.asks_first:
        return np.array(
            [[game.payoffs(move, game.planned(number, move))[1] for move in game.moves()] for number in game.choices()],
            float,
        )
    gains = [[game.payoffs(move, reply)[0] for reply in game.replies(move)] for move in game.moves()]
    worst, best = (np.array([limit(found) for found in gains], float) for limit in (min, max))
    return np.where(np.eye(len(gains), dtype=bool), best, worst[:, None])


def _efficient(payoffs: tuple[float, float], others: list[tuple[float, float]]) -> bool:
    return not any(
        other != payoffs and all(new >= old for new, old in zip(other, payoffs, strict=True)) for other in others
    )
