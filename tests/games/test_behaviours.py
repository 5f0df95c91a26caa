"""Behavioural models: propensities that follow from payoffs, and the shards of a computed teacher."""

import math

import polars as pl
import pytest
import yaml
from compute_shard import compute
from hypothesis import given
from hypothesis import strategies as st

from tom.core.errors import UserError
from tom.evaluation.propensities import count_replies
from tom.games.behaviours import Behaviour, load_behaviour
from tom.games.game import Game, load_games
from tom.games.payoffs import Payoffs
from tom.prompts.variants import ORDERS
from tom.sampling.shards import read_shard, write_shard

POINTS = st.integers(-20, 20)
PLAYERS = st.builds(Payoffs, POINTS, POINTS, POINTS, POINTS)
GAMES = st.builds(lambda own, other: Game("g", "any", *own, other=other), PLAYERS, PLAYERS | st.none())
DILEMMA = Game("g", "prisoners_dilemma", T=10, R=5, P=3, S=2)
PLAIN = {"rate": 0.2, "belief": 0.5}


def logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def test_a_quantal_response_to_a_coin_weighs_the_sums_of_payoffs(resources):
    found = load_behaviour(resources / "behaviours" / "logit.yaml", "neutral").propensity(DILEMMA)
    assert found == pytest.approx(logistic((5 + 2 - 10 - 3) / 6))


@given(GAMES)
def test_a_player_without_a_rate_tosses_a_coin_and_a_rational_one_takes_the_better_action(game):
    assert Behaviour(rate=0, belief=0.3).propensity(game) == 0.5
    gain = 0.3 * (game.R - game.T) + 0.7 * (game.S - game.P)
    if abs(gain) > 1e-6:
        assert Behaviour(rate=1e9, belief=0.3).propensity(game) == float(gain > 0)


@given(GAMES, st.floats(0, 1), st.floats(0, 1), st.floats(-1, 1))
def test_the_actions_have_no_names_of_their_own(game, belief, guilt, altruism):
    """With both players' actions exchanged, and the belief with them, the other action is taken as often."""
    other = game.other.exchanged() if game.other else None
    exchanged = Game("g", "any", *game.own.exchanged(), other=other)
    player = {"rate": 0.1, "altruism": altruism, "envy": 0.5, "guilt": guilt}
    one, two = Behaviour(belief=belief, **player), Behaviour(belief=1 - belief, **player)
    assert one.propensity(game) == pytest.approx(1 - two.propensity(exchanged), abs=1e-9)


@given(GAMES)
def test_level_two_responds_to_the_level_one_player_of_the_other_side(game):
    first = Behaviour(rate=0.3, level=1).propensity(game.mirrored())
    assert first == pytest.approx(Behaviour(rate=0.3, belief=0.5).propensity(game.mirrored()))
    assert Behaviour(rate=0.3, level=2).propensity(game) == Behaviour(rate=0.3, belief=first).propensity(game)


def test_inequity_aversion_is_that_of_fehr_and_schmidt():
    player = Behaviour(rate=1, belief=1.0, envy=0.5, guilt=0.25)
    assert player.utility(2, 10) == 2 - 0.5 * 8 and player.utility(10, 2) == 10 - 0.25 * 8
    # Against a cooperator: 5 for both, or 10 with guilt for the 8 points that the other lacks.
    assert player.propensity(DILEMMA) == pytest.approx(logistic(5 - 8))


@given(GAMES)
def test_a_perfect_altruist_in_a_symmetric_game_counts_both_players_points(game):
    found = Behaviour(rate=0.1, belief=0.5, altruism=1.0).propensity(game)
    sums = [sum(game.points(mine, theirs)) for mine in (True, False) for theirs in (True, False)]
    assert found == pytest.approx(logistic(0.1 * (sums[0] + sums[1] - sums[2] - sums[3]) / 2))


def test_a_context_changes_what_the_file_says_of_it(tmp_path):
    file = tmp_path / "friend.yaml"
    file.write_text(yaml.safe_dump(PLAIN | {"source": "here", "contexts": {"friendship": {"altruism": 0.5}}}))
    assert load_behaviour(file, "business") == Behaviour(**PLAIN)
    assert load_behaviour(file, "friendship") == Behaviour(**PLAIN, altruism=0.5)


@pytest.mark.parametrize(
    "document",
    [PLAIN, {"source": "s", "rate": 1}, {"source": "s", **PLAIN, "level": 1}, {"source": "s", **PLAIN, "greed": 1}],
)
def test_a_file_without_source_with_two_beliefs_or_unknown_keys_is_refused(tmp_path, document):
    file = tmp_path / "b.yaml"
    file.write_text(yaml.safe_dump(document))
    with pytest.raises(UserError, match=r"b\.yaml"):
        load_behaviour(file, "neutral")


def test_every_shipped_model_has_a_source_and_answers(resources):
    files = sorted((resources / "behaviours").glob("*.yaml"))
    assert len(files) >= 4
    for file in files:
        assert 0 < load_behaviour(file, "friendship").propensity(DILEMMA) < 1


def test_a_computed_shard_has_exact_scores_of_every_variant_and_draws_of_each_game(resources, tmp_path):
    fields = {"model": "teacher", "context": "neutral", "prompt_format": "choice"}
    file = resources / "behaviours" / "logit.yaml"
    games = load_games([resources / "games" / "drawn.yaml"], ["drawn-3", "drawn-70-x2"])
    write_shard(tmp_path / "s.parquet", compute(file, games, fields, list(ORDERS), 301, 1))
    shard = read_shard(tmp_path / "s.parquet")
    exact = {game.name: load_behaviour(file, "neutral").propensity(game) for game in games}
    scores = shard.filter(record="score")
    assert scores.height == 2 * 4 and scores["option_mass"].null_count() == 8
    assert scores.select("game", "p_cooperate").unique().sort("game").rows() == sorted(exact.items())
    counts = count_replies(shard.with_columns(model=pl.lit("base")))
    assert counts.group_by("game").agg(pl.col("observations").sum())["observations"].to_list() == [301, 301]
    for row in counts.iter_rows(named=True):
        assert row["exact"] == exact[row["game"]]
        assert abs(row["cooperated"] / row["observations"] - row["exact"]) < 0.15
    # A game's draws don't depend on the block that it is drawn with.
    alone = compute(file, games[1:], fields, list(ORDERS), 301, 1)
    assert [row for row in compute(file, games, fields, list(ORDERS), 301, 1) if row["game"] == "drawn-70-x2"] == alone
