"""Predictors that read payoffs: each finds a rule that it can express, and none sees more than the taught games."""

import numpy as np
import pytest
from scipy.special import expit

from tom.evaluation import payoff_models
from tom.evaluation.payoff_models import PAYOFF_MODELS, features, nearest_game, payoff_table
from tom.games.game import Game, load_games
from tom.games.names import members
from tom.games.payoffs import Payoffs

pytestmark = pytest.mark.model  # networks on payoffs are torch's


@pytest.fixture(scope="module")
def drawn(resources):
    """A function that loads a range of drawn games, as payoffs."""
    files = list((resources / "games").glob("drawn*.yaml"))
    return lambda name: payoff_table(load_games(files, members(name)))


@pytest.fixture(autouse=True)
def fewer_networks(monkeypatch):
    """One network in place of five, which differ by little."""
    monkeypatch.setattr(payoff_models, "NETWORKS", 1)


def own_gain(payoffs: np.ndarray) -> np.ndarray:
    return (payoffs[:, 0, 0] - payoffs[:, 0, 1]).sum(-1)


def test_the_table_has_each_players_points_by_the_asked_players_action_first():
    game = Game("g", "asymmetric", T=1, R=2, P=3, S=4, other=Payoffs(T=5, R=6, P=7, S=8))
    own, other = payoff_table([game])[0]
    assert own.tolist() == [[2, 4], [1, 3]]
    # Where the asked player takes its first action and the other its second, the other gets its temptation.
    assert other.tolist() == [[6, 5], [8, 7]]


def test_features_change_sign_where_the_asked_players_actions_change_places(drawn):
    payoffs = drawn("drawn_asymmetric-0..19")
    exchanged = features(payoffs[:, :, ::-1])
    # All but the other's own leaning, and what is multiplied by it, turn round; that one stays as it is.
    leaning = 10
    assert np.allclose(exchanged[:, leaning], features(payoffs)[:, leaning])
    assert np.allclose(np.delete(exchanged, leaning, 1), -np.delete(features(payoffs), leaning, 1))


@pytest.mark.parametrize("name, limit", [("payoff_regression", 0.01), ("payoff_network", 0.06), ("nearest_game", 0.2)])
def test_each_model_learns_a_logit_player_as_far_as_it_can(drawn, name, limit):
    taught, asked = drawn("drawn-0..99"), drawn("drawn-100..159")
    answers = PAYOFF_MODELS[name](taught, expit(own_gain(taught) / 6), asked)
    gap = np.abs(answers - expit(own_gain(asked) / 6)).mean()
    assert answers.shape == (60,) and 0 <= answers.min() <= answers.max() <= 1
    assert gap < limit


def test_a_teacher_that_ignores_payoffs_teaches_nothing_about_them(drawn):
    taught, asked = drawn("drawn-0..99"), drawn("drawn-100..159")
    noise = np.random.default_rng(0).permutation(expit(own_gain(taught) / 6))
    for name in ("payoff_regression", "nearest_game"):
        assert np.abs(PAYOFF_MODELS[name](taught, noise, asked) - expit(own_gain(asked) / 6)).mean() > 0.15


@pytest.mark.parametrize("name", PAYOFF_MODELS)
def test_a_single_game_is_enough_to_answer_and_the_answers_repeat(drawn, name):
    taught, asked = drawn("drawn-0..0"), drawn("drawn-1..5")
    first, second = (PAYOFF_MODELS[name](taught, np.array([0.7]), asked) for _ in range(2))
    assert np.array_equal(first, second) and np.isfinite(first).all()


def test_equally_near_games_are_averaged():
    games = [Game(name, "ties", T=0, R=points, P=0, S=0) for name, points in (("a", 1), ("b", 3), ("c", 2))]
    payoffs = payoff_table(games)
    assert nearest_game(payoffs[:2], np.array([0.2, 0.6]), payoffs[2:]) == pytest.approx([0.4])
