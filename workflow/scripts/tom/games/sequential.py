"""Analysis of sequential games: subgame perfection, efficiency, and payoff tables for dominance.

Source: Osborne and Rubinstein, A Course in Game Theory (1994), chapter 6 (subgame perfection), chapter 4 (dominance).
"""

import numpy as np

from tom.games.equilibria import argmax
from tom.games.number_game import SequentialGame


def perfect_equilibria(game: SequentialGame) -> list[int]:
    """The asked player's numbers that occur in a subgame perfect equilibrium.

    First player: moves that are optimal against some selection of the second player's best replies. Second player:
    plans that contain a best reply to every move.
    """
    replies = {move: best_replies(game, move) for move in game.moves()}
    if not game.asks_first:
        return [
            number
            for number in game.choices()
            if all(game.planned(number, move) in best for move, best in replies.items())
        ]
    gains = {move: [game.payoffs(move, reply)[0] for reply in best] for move, best in replies.items()}
    # An indifferent second player may favour this move and punish all others.
    guaranteed = max(min(gain) for gain in gains.values())
    return [move for move, gain in gains.items() if max(gain) >= guaranteed]


def best_replies(game: SequentialGame, move: int) -> list[int]:
    """The second player's best replies to a move."""
    return argmax({reply: game.payoffs(move, reply)[1] for reply in game.replies(move)})


def social_optima(game: SequentialGame) -> list[int]:
    """The asked player's numbers that maximise the sum of payoffs.

    First player: moves that reach the maximum with some reply. Second player: plans whose reply to every move maximises
    the sum after that move.
    """
    sums = {move: {reply: sum(game.payoffs(move, reply)) for reply in game.replies(move)} for move in game.moves()}
    if game.asks_first:
        return argmax({move: max(found.values()) for move, found in sums.items()})
    return [
        number
        for number in game.choices()
        if all(game.planned(number, move) in argmax(found) for move, found in sums.items())
    ]


def pareto_optimal(game: SequentialGame) -> list[int]:
    """The asked player's numbers with a Pareto-optimal outcome.

    First player: moves that, with some reply, are optimal among all outcomes. Second player: plans whose reply to every
    move is optimal among the replies to that move.
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
    """The asked player's payoffs, shape (numbers, circumstances), with all circumstances that matter for dominance.

    Second player: one circumstance for each move. First player: one circumstance for each move, a plan of the second
    player that replies as well as possible to this move and as badly as possible to all others. Replies to different
    moves are independent, so no other plan favours a move more.
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
