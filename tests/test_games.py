"""Games: families, scales, and the files under resources/games."""

from itertools import permutations

import pytest
import yaml

from tom.asking.games import FAMILIES, ORDINAL, ORDINALS, Game, check_family, load_game, split_scale
from tom.documents import load_schema
from tom.errors import BadInput
from tom.showing.names import readable

GAME_FILES = ("prisoners_delight", "prisoners_dilemma", "snowdrift", "stag_hunt")


def ordered_payoffs(family: str, values=(10, 5, 3, 2)) -> dict[str, float]:
    """Payoffs that fit the family, its best the first value."""
    return dict(zip(FAMILIES[family], values, strict=True))


def write_game(folder, **changes):
    """A stag hunt's file, some of its keys changed."""
    document = {"family": "stag_hunt", "payoffs": ordered_payoffs("stag_hunt")} | changes
    file = folder / "game.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_takes_one_order_of_four_payoffs_and_no_other(family):
    accepted = []
    for values in permutations((10, 5, 3, 2)):
        payoffs = dict(zip("TRPS", values, strict=True))
        try:
            check_family(family, payoffs, "game.yaml")
            accepted.append(payoffs)
        except BadInput:
            pass
    assert accepted == [ordered_payoffs(family)]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("values", [(5, 5, 3, 2), (10, 3, 3, 2), (10, 5, 2, 2), (1, 1, 1, 1)])
def test_a_tie_is_no_order(family, values):
    with pytest.raises(BadInput):
        check_family(family, ordered_payoffs(family, values), "game.yaml")


@pytest.mark.parametrize("letter", "TRPS")
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_payoff_is_a_finite_number(tmp_path, letter, value):
    file = write_game(tmp_path, payoffs=ordered_payoffs("stag_hunt") | {letter: value})
    with pytest.raises(BadInput, match="payoffs"):
        load_game(file, "game")


def test_wrong_payoffs_name_file_key_family_and_what_was_found(tmp_path):
    file = write_game(tmp_path, family="snowdrift")
    with pytest.raises(BadInput) as caught:
        load_game(file, "game")
    for part in (str(file), "payoffs", "snowdrift", "T > R > S > P", "T = 5, R = 10, P = 3, S = 2"):
        assert part in str(caught.value)


def test_points_of_each_outcome():
    game = Game("g", "prisoners_dilemma", T=10, R=5, P=3, S=2)
    assert game.points(True, True) == (5, 5)
    assert game.points(True, False) == (2, 10)
    assert game.points(False, True) == (10, 2)
    assert game.points(False, False) == (3, 3)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("stag_hunt", ("stag_hunt", 1.0)), ("stag_hunt-x2", ("stag_hunt", 2.0)), ("g-x0.5", ("g", 0.5))],
)
def test_a_scale_is_a_suffix_of_the_name(name, parts):
    assert split_scale(name) == parts


@pytest.mark.parametrize("factor", ["", "two", "0", "-2", "0.0", "2x", "nan", "inf", "1e999"])
def test_a_bad_scale_is_named(factor):
    with pytest.raises(BadInput) as caught:
        split_scale(f"stag_hunt-x{factor}")
    assert f"stag_hunt-x{factor}" in str(caught.value)
    assert "stag_hunt-x2" in str(caught.value)


@pytest.mark.parametrize("name", GAME_FILES)
def test_a_scaled_game_multiplies_each_payoff_and_says_so(resources, name):
    file = resources / "games" / f"{name}.yaml"
    single, double = load_game(file, name), load_game(file, f"{name}-x2")
    assert double.name == f"{name}-x2"
    assert double.family == single.family
    assert [getattr(double, letter) for letter in "TRPS"] == [2 * getattr(single, letter) for letter in "TRPS"]


@pytest.mark.parametrize("name", GAME_FILES)
def test_the_papers_games_share_four_payoffs(resources, name):
    game = load_game(resources / "games" / f"{name}.yaml", name)
    assert game.family == name
    assert {letter: getattr(game, letter) for letter in "TRPS"} == ordered_payoffs(name)


def test_every_game_file_is_tested(resources):
    others = ["ordinal", "public_goods"]  # tests/test_equilibria.py, tests/test_contribution_games.py
    assert sorted(file.stem for file in (resources / "games").iterdir()) == sorted([*GAME_FILES, *others])


def test_the_schema_takes_every_named_and_every_ordinal_family_and_no_other():
    allowed = load_schema("game")["properties"]["family"]["enum"]
    assert sorted(allowed) == sorted([*FAMILIES, *ORDINALS, ORDINAL])


@pytest.mark.parametrize("family", ORDINALS)
def test_a_file_may_be_of_any_ordinal_family_whose_order_it_has(tmp_path, family):
    payoffs = dict(zip(ORDINALS[family], (10, 5, 3, 2), strict=True))
    assert load_game(write_game(tmp_path, family=family, payoffs=payoffs), "game").family == family
    payoffs = dict(zip(ORDINALS[family], (10, 5, 2, 3), strict=True))
    with pytest.raises(BadInput, match=f"{family} needs"):
        load_game(write_game(tmp_path, family=family, payoffs=payoffs), "game")


def test_an_ordinal_name_is_readable():
    assert readable("ordinal-trps-x2") == "Ordinal TRPS ×2"
