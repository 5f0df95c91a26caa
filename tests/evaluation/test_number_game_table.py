"""What payoffs say of games in which a number is named, by hand and by brute force, and its table beside behaviour."""

import sys
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import polars as pl
import pytest
import tabulate_number_games
from hypothesis import given
from hypothesis import strategies as st

from tom.core.frames import frame_of, table_schema
from tom.evaluation.number_game_table import runs, structure_row
from tom.games.beauty_contest import BeautyContest
from tom.games.kinds import load_number_game
from tom.games.public_goods import PublicGoods
from tom.games.sequential import pareto_optimal, perfect_equilibria, social_optima
from tom.games.symmetric import common_optima, symmetric_equilibria
from tom.games.travellers_dilemma import TravellersDilemma
from tom.games.trust import Trust
from tom.games.ultimatum import Ultimatum

BY_HAND = {
    "public_goods": ("0", "10"),
    "dictator": ("0", "0 to 10"),
    # A responder who is offered nothing loses nothing by accepting: 0 and 1 are both plans without a mistake.
    "ultimatum_offer": ("0, 1", "0 to 10"),
    "ultimatum_acceptance": ("0, 1", "0"),
    "trust_sending": ("0", "10"),
    "trust_returning": ("0", "0 to 15"),
    "travellers_dilemma": ("2", "100"),
    # Among whole numbers, one who leaves a common 1 for 0 is farther from two thirds of the mean.
    "beauty_contest": ("0, 1", "0 to 100"),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_the_shipped_games(resources, name):
    row = structure_row(load_number_game(resources / "games" / f"{name}.yaml", name))
    assert (row["equilibria"], row["social_optimum"]) == BY_HAND[name]


NOTHING = "none"
DOMINANCE = {
    # Ledyard 1995: a dollar that is given comes back as 2.5 / 4.
    "public_goods": ("0", "1 to 10", "1 to 10", "10"),
    "dictator": ("0", "1 to 10", "1 to 10", "0 to 10"),
    # Whoever offers everything gets nothing, whatever the other does.
    "ultimatum_offer": (NOTHING, NOTHING, "10", "0 to 10"),
    # To refuse an offer of 0 costs nothing, to refuse any other does.
    "ultimatum_acceptance": ("0, 1", NOTHING, "2 to 10", "0"),
    "trust_sending": (NOTHING, NOTHING, NOTHING, "10"),
    "trust_returning": ("0", "1 to 15", "1 to 15", "0 to 15"),
    # Basu 1994: 99 is as good as 100 against all claims and better against 99 and 100.
    "travellers_dilemma": (NOTHING, NOTHING, "100", "100"),
    # Nagel 1995: all above two thirds of 100. One of ten players moves the mean itself, which takes out a few more.
    "beauty_contest": (NOTHING, NOTHING, "63 to 100", "0 to 100"),
}


@pytest.mark.parametrize("name", DOMINANCE)
def test_dominance_and_efficiency_of_the_shipped_games(resources, name):
    row = structure_row(load_number_game(resources / "games" / f"{name}.yaml", name))
    columns = ("dominant", "strictly_dominated", "weakly_dominated", "pareto_optimal")
    assert tuple(row[column] for column in columns) == DOMINANCE[name]


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("public_goods", ("0", 1, "all")),
        # From 100 down by one claim a round.
        ("travellers_dilemma", ("2", 98, "all")),
        # Among whole numbers 0 and 1 remain, as in the equilibria.
        ("beauty_contest", ("0, 1", 9, "two")),
        ("dictator", (None, None, "all")),
    ],
)
def test_what_elimination_leaves(resources, name, left):
    row = structure_row(load_number_game(resources / "games" / f"{name}.yaml", name))
    assert (row.get("elimination"), row.get("elimination_rounds"), row["compared"]) == left


def stable(game, number: int) -> bool:
    others = (number,) * (game.players - 1)
    return all(game.payoff(mine, others) <= game.payoff(number, others) for mine in game.choices())


@given(players=st.integers(2, 5), endowment=st.integers(1, 8), multiplier=st.floats(1.01, 6))
def test_public_goods_are_worth_giving_to_where_more_than_a_dollar_comes_back(players, endowment, multiplier):
    game = PublicGoods("g", "public_goods", players, endowment, multiplier, "equal")
    if abs(multiplier / players - 1) > 1e-6:
        assert symmetric_equilibria(game) == [endowment if multiplier > players else 0]
    assert common_optima(game).social == common_optima(game).pareto == [endowment]


@given(lowest=st.integers(0, 5), span=st.integers(1, 12), bonus=st.integers(1, 6))
def test_a_travellers_equilibria_are_those_that_nobody_leaves(lowest, span, bonus):
    game = TravellersDilemma("g", "travellers_dilemma", lowest, lowest + span, bonus)
    assert symmetric_equilibria(game) == [number for number in game.choices() if stable(game, number)]
    # A bonus of one dollar pays back what undercutting costs, and no more.
    assert lowest in symmetric_equilibria(game)
    if bonus > 1:
        assert symmetric_equilibria(game) == [lowest]


def test_a_contest_of_two_is_won_by_the_lower_number():
    game = BeautyContest("g", "beauty_contest", 2, 20, Fraction(2, 3), 10)
    assert symmetric_equilibria(game) == [0] == [number for number in game.choices() if stable(game, number)]


@dataclass(frozen=True)
class Made:
    """Two moves and two replies, by a table of payoffs."""

    table: tuple
    asks_first: bool

    def choices(self):
        return range(2) if self.asks_first else range(4)

    def moves(self):
        return range(2)

    def replies(self, move):
        return range(2)

    def planned(self, number, move):
        return number >> move & 1

    def payoffs(self, move, reply):
        return self.table[2 * move + reply]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=4, max_size=4).map(tuple))
def test_backward_induction_finds_what_trying_every_plan_does(table):
    first, second = Made(table, True), Made(table, False)
    perfect = [
        (move, plan)
        for move, plan in product(range(2), range(4))
        if all(
            second.payoffs(other, second.planned(plan, other))[1] >= second.payoffs(other, reply)[1]
            for other, reply in product(range(2), range(2))
        )
        and all(
            first.payoffs(move, second.planned(plan, move))[0] >= first.payoffs(other, second.planned(plan, other))[0]
            for other in range(2)
        )
    ]
    assert perfect_equilibria(first) == sorted({move for move, _ in perfect})
    assert perfect_equilibria(second) == sorted({plan for _, plan in perfect})


def test_optima_of_a_plan_make_most_of_every_move():
    responder = Ultimatum("g", "ultimatum", 4, "responder")
    assert social_optima(responder) == [0]
    assert social_optima(Ultimatum("g", "ultimatum", 4, "proposer")) == [0, 1, 2, 3, 4]
    assert social_optima(Trust("g", "trust", 4, 3, "sender")) == [4]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=4, max_size=4).map(tuple))
def test_efficient_moves_are_those_of_efficient_outcomes(table):
    first, second = Made(table, True), Made(table, False)

    def improved(payoffs, among):
        return any(other != payoffs and other[0] >= payoffs[0] and other[1] >= payoffs[1] for other in among)

    assert pareto_optimal(first) == [
        move for move in range(2) if not all(improved(table[2 * move + reply], table) for reply in range(2))
    ]
    replies = [
        [not improved(table[2 * move + reply], table[2 * move :][:2]) for reply in range(2)] for move in range(2)
    ]
    assert pareto_optimal(second) == [plan for plan in range(4) if replies[0][plan & 1] and replies[1][plan >> 1]]


def test_a_game_that_is_too_large_to_go_through_has_its_equilibria_alone():
    row = structure_row(BeautyContest("g", "beauty_contest", 50, 400, Fraction(2, 3), 20))
    assert row["equilibria"].startswith("0")
    assert row["compared"] is None and "dominant" not in row and "social_optimum" not in row


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], ""), ([3], "3"), ([0, 1], "0, 1"), ([0, 1, 2], "0 to 2"), ([0, 2, 3, 4, 9], "0, 2 to 4, 9")],
)
def test_numbers_in_a_row_are_told_by_their_ends(numbers, text):
    assert runs(numbers) == text


def test_structure_stands_beside_behaviour(resources, tmp_path, monkeypatch):
    cells = [
        ("base", "neutral", 4.0, 3.5),
        ("base", "business", 2.0, 1.5),
        ("tuned-seed1", "neutral", 6.0, None),
        ("tuned-seed2", "neutral", 8.0, None),
    ]
    rows = [
        {"split": "trust", "game": "trust_sending-x2", "model": model, "context": context, "mean": mean}
        | {"exact_mean": exact}
        for model, context, mean, exact in cells
    ]
    means, target = tmp_path / "means.parquet", tmp_path / "games.parquet"
    frame_of(rows, table_schema("number_means")).write_parquet(means)
    files = [resources / "games" / f"{name}.yaml" for name in ("trust_sending", "dictator")]
    arguments = ["tabulate_number_games.py", "--game-files", *files, "--number-means", means, "--output", target]
    monkeypatch.setattr(sys, "argv", list(map(str, arguments)))
    tabulate_number_games.main()
    (row,) = pl.read_parquet(target).to_dicts()
    assert (row["game"], row["role"], row["highest"], row["equilibria"]) == ("trust_sending-x2", "sender", 20, "0")
    assert (row["teacher"], row["base"], row["tuned"]) == (None, 2.5, 7.0)
