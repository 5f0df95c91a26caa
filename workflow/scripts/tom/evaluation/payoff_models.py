"""Predictors that read payoffs and nothing else: what a student that plays games it has not seen should beat.

All are fitted on the taught games alone.

- nearest: the teacher's propensity in the taught game with the nearest payoffs.
- regression: a logistic regression on sums, differences and extremes of the payoffs.
- network: five small networks on the payoffs alone, averaged; how long they are trained is chosen on a tenth of the
  taught games.
"""

from collections.abc import Callable

import numpy as np

from tom.games.game import Game

PLAYERS, OUTCOMES = 2, ((True, True), (True, False), (False, True), (False, False))
RIDGE = 1e-3
"""The penalty of the regression's weights, for each game: it bounds them where a teacher never changes its choice."""
HIDDEN, NETWORKS, EPOCHS, PATIENCE = 64, 5, 500, 100
LEARNING_RATE, WEIGHT_DECAY = 3e-3, 1e-2
VALIDATION = 0.1
"""The share of the taught games that a network stops by."""


def payoff_table(games: list[Game]) -> np.ndarray:
    """(games, 2, 2, 2): the points of the asked player, then of the other, by the former's action and the latter's."""
    points = [[game.points(mine, theirs) for mine, theirs in OUTCOMES] for game in games]
    return np.array(points, float).transpose(0, 2, 1).reshape(-1, PLAYERS, 2, 2)


def features(payoffs: np.ndarray) -> np.ndarray:
    """(games, features): what the first action is ahead by, in sums, differences and extremes."""
    own, other = payoffs[:, 0], payoffs[:, 1]
    joint, ahead = own + other, np.abs(own - other)
    of_first = [
        own.mean(-1), own.min(-1), own.max(-1), other.mean(-1), other.min(-1), other.max(-1),
        joint.max(-1), joint.min(-1), ahead.mean(-1), np.maximum(own - other, 0).mean(-1),
    ]  # fmt: skip
    rows = [value[:, 0] - value[:, 1] for value in of_first]
    # What the other would rather do, and what its likely action makes of the asked player's.
    leaning = other.mean(1)[:, 0] - other.mean(1)[:, 1]
    gains = own[:, 0] - own[:, 1]
    rows += [leaning, gains[:, 0], gains[:, 1], np.sign(leaning) * (gains[:, 0] - gains[:, 1])]
    rows += [np.tanh(leaning) * gains[:, 0], np.tanh(leaning) * gains[:, 1]]
    return np.stack(rows, axis=-1)


def nearest_game(taught: np.ndarray, rates: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """(asked,) propensities. taught, asked: payoff_table's; rates: (taught,). The mean over equally near games."""
    flat, others = taught.reshape(len(taught), -1), asked.reshape(len(asked), -1)
    distances = np.abs(others[:, np.newaxis] - flat).sum(-1)
    near = distances == distances.min(axis=1, keepdims=True)
    return (near * rates).sum(1) / near.sum(1)


def payoff_regression(taught: np.ndarray, rates: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """(asked,) propensities of a logistic regression on standardised features. Arguments as for nearest_game."""
    from scipy.optimize import minimize
    from scipy.special import expit, log_expit

    centre, spread = _standard(features(taught))
    known, new = ((features(payoffs) - centre) / spread for payoffs in (taught, asked))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        odds = weights[0] + known @ weights[1:]
        value = -(rates * log_expit(odds) + (1 - rates) * log_expit(-odds)).mean() + RIDGE * (weights[1:] ** 2).sum()
        beyond = (expit(odds) - rates) / len(rates)
        return value, np.concatenate([[beyond.sum()], known.T @ beyond + 2 * RIDGE * weights[1:]])

    found = minimize(loss, np.zeros(known.shape[1] + 1), jac=True, method="L-BFGS-B")
    return expit(found.x[0] + new @ found.x[1:])


def payoff_network(taught: np.ndarray, rates: np.ndarray, asked: np.ndarray, seed: int = 1) -> np.ndarray:
    """(asked,) propensities, the mean of NETWORKS networks. taught, rates, asked: as nearest_game."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    centre, spread = taught.mean(), max(taught.std(), 1e-9)
    known, new = (
        torch.tensor((payoffs.reshape(len(payoffs), -1) - centre) / spread, dtype=torch.float32)
        for payoffs in (taught, asked)
    )
    target = torch.tensor(rates, dtype=torch.float32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        orders = [torch.randperm(len(known), generator=generator) for _ in range(NETWORKS)]
        found = [_train_network(known, target, new, order) for order in orders]
    return torch.stack(found).mean(0).double().numpy()


def _train_network(known, target, new, order):
    """One network's answers to the new games, after the epoch that was best on the first tenth of `order`."""
    import torch

    size = int(len(order) * VALIDATION)
    # Of a handful of games none is held out, and the network is stopped by those that it learns.
    held, used = (order[:size], order[size:]) if size else (order, order)
    network = torch.nn.Sequential(
        torch.nn.Linear(known.shape[1], HIDDEN), torch.nn.GELU(),
        torch.nn.Linear(HIDDEN, HIDDEN), torch.nn.GELU(),
        torch.nn.Linear(HIDDEN, 1),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    best, answer, waited = float("inf"), None, 0
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(network(known[used])[:, 0], target[used]).backward()
        optimizer.step()
        with torch.no_grad():
            measured = (network(known[held])[:, 0].sigmoid() - target[held]).abs().mean().item()
            if measured < best:
                best, answer, waited = measured, network(new)[:, 0].sigmoid(), 0
            elif (waited := waited + 1) > PATIENCE:
                break
    return answer


def _standard(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    spread = values.std(axis=0)
    return values.mean(axis=0), np.where(spread > 0, spread, 1.0)


PAYOFF_MODELS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "nearest_game": nearest_game,
    "payoff_regression": payoff_regression,
    "payoff_network": payoff_network,
}
"""Name in tables → the function that fits it."""
