"""Analysis of 2x2 games: textbook results for the named games, and properties of every order."""

import math
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.core.errors import UserError
from tom.evaluation.game_table import letters, structure_row
from tom.games.equilibria import (
    OUTCOMES,
    dominant_action,
    mixed_equilibrium,
    pareto_optimal,
    pure_equilibria,
    risk_dominant,
    social_optima,
)
from tom.games.game import Game, family_of, load_game
from tom.games.names import parse_name
from tom.games.payoffs import FAMILIES, ORDINALS, Payoffs


def game_of(order: str, values=(10, 5, 3, 2)) -> Game:
    return Game(order, family_of(order), **dict(zip(order, values, strict=True)))


GAMES = [game_of(order) for order in ORDINALS.values()]


def told(outcomes) -> str:
    return " ".join(map(letters, outcomes))


@pytest.mark.parametrize(
    ("family", "equilibria", "mixed", "dominant", "pareto", "social", "risk"),
    [
        # Osborne and Rubinstein, figures 16.2 (prisoner's dilemma), 16.3 (hawk-dove) and 15.3 (coordination); the
        # paper's own payoffs.
        ("prisoners_dilemma", "DD", None, False, "CC CD DC", "CD DC", None),  # 10 + 2 > 5 + 5: taking turns pays
        ("prisoners_delight", "CC", None, True, "CC", "CC", None),
        ("snowdrift", "CD DC", 1 / 6, None, "CC CD DC", "CD DC", None),
        ("stag_hunt", "CC DD", 1 / 6, None, "CC", "CC", (True, True)),
    ],
)
def test_the_four_games_of_the_paper(resources, family, equilibria, mixed, dominant, pareto, social, risk):
    game = load_game(resources / "games" / f"{family}.yaml", family)
    assert told(pure_equilibria(game)) == equilibria
    assert mixed_equilibrium(game) == (None if mixed is None else pytest.approx(mixed))
    assert dominant_action(game) is dominant
    assert told(pareto_optimal(game)) == pareto
    assert told(social_optima(game)) == social
    assert risk_dominant(game) == risk


def test_textbook_games_in_other_payoffs():
    # The usual prisoner's dilemma, 5 3 1 0: cooperation is the social optimum.
    assert told(social_optima(game_of("TRPS", (5, 3, 1, 0)))) == "CC"
    # Hawk-dove with V = 4 and C = 6: hawks, who defect, are V / C = 2/3 of a population.
    dove = game_of("TRSP", (4, 2, 0, -1))
    assert mixed_equilibrium(dove) == pytest.approx(1 - 4 / 6)
    # Rousseau's hunt with a hare of 3 and a stag of 4: the hares are risk dominant, the stag pays more.
    hunt = game_of("RTPS", (4, 3, 2, 0))
    assert told(pure_equilibria(hunt)) == "CC DD" and risk_dominant(hunt) == (False, False)
    assert told(pareto_optimal(hunt)) == "CC"
    assert mixed_equilibrium(hunt) == pytest.approx(2 / 3)
    # Deviating from either equilibrium costs the same, so neither is risk dominant.
    assert risk_dominant(game_of("RPTS", (4, 3, 2, 1))) is None
    # Battle of the sexes (leader): players want to differ, and mixing gives each less than either equilibrium.
    assert told(pure_equilibria(game_of("TSRP"))) == "CD DC"


@pytest.mark.parametrize("game", GAMES, ids=list(ORDINALS))
def test_no_player_gains_by_leaving_an_equilibrium(game):
    values = {True: 1.0, False: 0.0}
    mixtures = [(values[mine], values[theirs]) for mine, theirs in pure_equilibria(game)]
    if (mixed := mixed_equilibrium(game)) is not None:
        mixtures.append((mixed, mixed))
    assert len(mixtures) in (1, 3)  # Wilson's oddness theorem

    def expected(mine: float, theirs: float) -> float:
        weights = {
            (one, other): (mine if one else 1 - mine) * (theirs if other else 1 - theirs) for one, other in OUTCOMES
        }
        return math.fsum(weight * game.points(*outcome)[0] for outcome, weight in weights.items())

    for mine, theirs in mixtures:
        for own, other in ((mine, theirs), (theirs, mine)):
            assert all(expected(other_own, other) <= expected(own, other) + 1e-9 for other_own in (0, 0.3, 0.7, 1))


@pytest.mark.parametrize("game", GAMES, ids=list(ORDINALS))
def test_properties_of_every_game(game):
    assert set(social_optima(game)) <= set(pareto_optimal(game))
    dominant = dominant_action(game)
    assert (dominant is None) == (mixed_equilibrium(game) is not None)
    if dominant is not None:
        assert pure_equilibria(game) == [(dominant, dominant)]
    if (risk := risk_dominant(game)) is not None:
        assert risk in pure_equilibria(game) and risk[0] == risk[1]


@pytest.mark.parametrize("game", GAMES, ids=list(ORDINALS))
def test_swapped_actions_swap_the_outcomes(game):
    exchanged = Game("exchanged", "", T=game.S, R=game.P, P=game.R, S=game.T)
    for rule in (pure_equilibria, pareto_optimal, social_optima):
        assert {(not mine, not theirs) for mine, theirs in rule(game)} == set(rule(exchanged))
    if (mixed := mixed_equilibrium(game)) is not None:
        assert mixed_equilibrium(exchanged) == pytest.approx(1 - mixed)


def test_a_scale_does_not_change_the_structure(resources):
    file = resources / "games" / "stag_hunt.yaml"
    single, double = (structure_row(load_game(file, name)) for name in ("stag_hunt", "stag_hunt-x2"))
    same = {"game", *"TRPS"}
    assert {key: value for key, value in single.items() if key not in same} == {
        key: value for key, value in double.items() if key not in same
    }


def test_the_named_games_are_half_of_all_orders_and_the_rest_have_swapped_actions():
    assert len(ORDINALS) == len(set(ORDINALS.values())) == 24
    exchanged = {order.translate(str.maketrans("TSRP", "STPR")) for order in FAMILIES.values()}
    assert len(FAMILIES) == 12 and set(FAMILIES.values()).isdisjoint(exchanged)
    assert set(FAMILIES.values()) | exchanged == set(ORDINALS.values())


@pytest.mark.parametrize(
    ("family", "equilibria"),
    [
        ("assurance", "CC DD"), ("coordination", "CC DD"), ("deadlock", "DD"), ("compromise", "DD"),
        ("harmony", "CC"), ("peace", "CC"), ("hero", "CD DC"), ("leader", "CD DC"),
    ],
)  # fmt: skip
def test_further_named_games_have_their_known_equilibria(family, equilibria):
    assert told(pure_equilibria(game_of(FAMILIES[family]))) == equilibria


@pytest.mark.parametrize("order", ["".join(order) for order in permutations("trps")])
def test_every_order_can_be_asked_for_by_name(resources, order):
    game = load_game(resources / "games" / "ordinal.yaml", f"ordinal-{order}-x2")
    assert [getattr(game, letter) for letter in order.upper()] == [20, 10, 6, 4]
    assert game.family == family_of(order.upper())
    parsed = parse_name(game.name)
    assert (parsed.stem, parsed.order) == ("ordinal", order.upper())


@pytest.mark.parametrize(
    ("file", "name", "part"),
    [
        ("ordinal", "ordinal", "allowed: ordinal-trps and the like"),
        ("ordinal", "ordinal-trpp", "'trpp' is no order of t, r, p and s"),
        ("stag_hunt", "stag_hunt-trps", "is of the family stag_hunt (allowed: stag_hunt)"),
    ],
)
def test_an_order_belongs_to_the_ordinal_file_alone(resources, file, name, part):
    with pytest.raises(UserError) as caught:
        load_game(resources / "games" / f"{file}.yaml", name)
    assert part in str(caught.value)


def test_outcomes_are_all_four():
    assert tuple(product((True, False), repeat=2)) == OUTCOMES


POINTS = st.integers(-5, 5)
PLAYERS = st.builds(Payoffs, POINTS, POINTS, POINTS, POINTS)


@given(PLAYERS, PLAYERS)
def test_equilibria_of_any_game_are_those_of_their_definition(own, other):
    """Ties and payoffs that differ between the players included."""
    game = Game("g", "any", *own, other=other)
    mirrored = game.mirrored()
    assert mirrored.mirrored() == game
    assert {(theirs, mine) for mine, theirs in pure_equilibria(game)} == set(pure_equilibria(mirrored))
    for mine, theirs in pure_equilibria(game):
        assert game.points(mine, theirs)[0] == max(game.points(action, theirs)[0] for action in (True, False))
    first, second = mixed_equilibrium(game), mixed_equilibrium(mirrored)
    assert (first is None) == (second is None)
    if first is not None:
        assert 0 < first < 1
        # The asked player's mixture leaves the other indifferent between its actions.
        gains = [first * game.points(True, a)[1] + (1 - first) * game.points(False, a)[1] for a in (True, False)]
        assert gains[0] == pytest.approx(gains[1])
    dominant = dominant_action(game)
    if dominant is not None:
        assert all(game.points(dominant, theirs)[0] > game.points(not dominant, theirs)[0] for theirs in (True, False))
    risky = risk_dominant(game)
    assert risky == risk_dominant(mirrored)
    assert risky is None or risky in pure_equilibria(game)
