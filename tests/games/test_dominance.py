"""Dominance among numbers, compared with brute force and, for large contests, with a search over sums."""

from fractions import Fraction
from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.games.action_profiles import ALL, TWO, profiles
from tom.games.beauty_contest import BeautyContest
from tom.games.dominance import dominant, strictly_dominated, weakly_dominated
from tom.games.kinds import load_number_game
from tom.games.sequential import payoff_table as sequential_table
from tom.games.symmetric import eliminated, payoff_table

TABLES = st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=5).map(np.array)


@given(TABLES)
def test_dominance_follows_its_definition(payoffs):
    rivals = [[other for place, other in enumerate(payoffs) if place != number] for number in range(len(payoffs))]
    assert list(dominant(payoffs)) == [
        all((row >= other).all() for other in rivals[number]) for number, row in enumerate(payoffs)
    ]
    assert list(strictly_dominated(payoffs)) == [
        any((other > row).all() for other in rivals[number]) for number, row in enumerate(payoffs)
    ]
    assert list(weakly_dominated(payoffs)) == [
        any((other >= row).all() and (other > row).any() for other in rivals[number])
        for number, row in enumerate(payoffs)
    ]


def test_payoffs_that_differ_by_rounding_are_equal():
    payoffs = np.array([[0.1 + 0.2, 1.0], [0.3, 1.0]])
    assert list(dominant(payoffs)) == [True, True]
    assert not weakly_dominated(payoffs).any() and not strictly_dominated(payoffs).any()


class Mover:
    """A first player whose payoffs are those of a table: a row for each move, a column for each reply."""

    asks_first = True

    def __init__(self, gains):
        self.gains = gains

    def moves(self):
        return range(len(self.gains))

    choices = moves

    def replies(self, move):
        return range(len(self.gains[move]))

    def payoffs(self, move, reply):
        return self.gains[move][reply], 0


@given(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=2, max_size=4))
def test_a_few_plans_of_the_second_player_decide_dominance_like_all_plans(gains):
    plans = list(product(range(2), repeat=len(gains)))
    whole = np.array([[row[plan[move]] for plan in plans] for move, row in enumerate(gains)])
    for rule in (dominant, strictly_dominated, weakly_dominated):
        assert list(rule(sequential_table(Mover(gains)))) == list(rule(whole))


def test_profiles_are_all_or_of_two_numbers_or_none():
    whole = profiles(range(4), 3, 20)
    assert whole.which == ALL
    assert list(map(tuple, whole.named.T)) == list(combinations_with_replacement(range(4), 3))
    two = profiles(range(4), 3, 19)
    assert two.which == TWO
    assert set(map(tuple, two.named.T)) == {named for named in map(tuple, whole.named.T) if len(set(named)) < 3}
    assert profiles(range(4), 3, 15) is None


@pytest.mark.parametrize("factor", ["1/3", "1/2", "2/3", "3/4", "9/10"])
@pytest.mark.parametrize(("players", "highest"), [(4, 6), (4, 12), (5, 9), (6, 7)])
def test_profiles_of_two_numbers_eliminate_what_all_profiles_do(monkeypatch, players, highest, factor):
    game = BeautyContest("g", "beauty_contest", players, highest, Fraction(factor), 12)

    def rounds():
        table = payoff_table(game, game.choices())
        return table.against, list(weakly_dominated(table.payoffs)), eliminated(game, table.payoffs)

    every = rounds()

    def of_two(numbers, players, most):
        named = [named for named in combinations_with_replacement(numbers, players) if len(set(named)) < 3]
        return type(profiles(numbers, players, most))(np.array(named).T, TWO)

    monkeypatch.setattr("tom.games.symmetric.profiles", of_two)
    two = rounds()
    assert (every[0], two[0]) == (ALL, TWO) and every[1:] == two[1:]


def sums(numbers: list[int], players: int) -> list[int]:
    """The sums that 0, 1, ..., `players` of the numbers can have, as bits."""
    reached = [1] + [0] * players
    for number in numbers:
        for count in range(1, players + 1):
            reached[count] |= reached[count - 1] << number
    return reached


def ever_pays_more(game: BeautyContest, one: int, other: int, numbers: list[int]) -> bool:
    """Whether `one` ever pays more than `other`, whatever the rest name: by each sum that they may have."""
    unit, factor, rest = game.players * game.factor.denominator, game.factor.numerator, game.players - 1
    for total in range(rest * min(numbers), rest * max(numbers) + 1):
        targets = [factor * (mine + total) for mine in (one, other)]
        near = [abs(unit * mine - target) for mine, target in zip((one, other), targets, strict=True)]
        far = {number: [abs(unit * number - target) for target in targets] for number in numbers}
        # `one` must win; it pays more if `other` is beaten by somebody, or shares with more.
        left = [number for number in numbers if far[number][0] >= near[0]]
        beating = [number for number in left if far[number][1] < near[1]]
        if beating and any(sums(left, rest - 1)[-1] << number >> total & 1 for number in beating):
            return True
        level = [number for number in left if number not in beating and near[0] == far[number][0]]
        level += [number for number in left if number not in (*beating, *level) and near[1] == far[number][1]]
        if not any(near[1] == far[number][1] for number in level):
            continue
        reached = sums([number for number in left if number not in (*beating, *level)], rest)
        for counts in product(range(rest + 1), repeat=len(level)):
            shared = [
                sum(count for count, number in zip(counts, level, strict=True) if far[number][which] == near[which])
                for which in range(2)
            ]
            open_sum = total - sum(count * number for count, number in zip(counts, level, strict=True))
            possible = sum(counts) <= rest and open_sum >= 0
            if shared[1] > shared[0] and possible and reached[rest - sum(counts)] >> open_sum & 1:
                return True
    return False


ROUNDS = [
    (100, 63, 61), (62, 39, 38), (38, 24, 23), (23, 15, 14), (14, 10, 8), (9, 7, 5), (6, 5, 3), (4, 3, 2), (2, 2, 1),
]  # fmt: skip
"""Of each round of the shipped contest: the largest number left, the smallest taken out, and one that dominates it."""


@pytest.mark.parametrize(("highest", "taken_out", "by"), ROUNDS)
def test_what_a_contest_eliminates_is_dominated_whatever_ten_players_name(resources, highest, taken_out, by):
    game = load_number_game(resources / "games" / "beauty_contest.yaml", "beauty_contest")
    numbers = list(range(highest + 1))
    assert list(weakly_dominated(payoff_table(game, numbers).payoffs)).index(True) == taken_out
    assert not ever_pays_more(game, taken_out, by, numbers)
    assert ever_pays_more(game, by, taken_out, numbers)
