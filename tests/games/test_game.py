"""Games: families, scales, and the files under resources/games."""

from itertools import permutations

import pytest
import yaml

from tom.core.errors import UserError
from tom.core.yaml_files import load_schema
from tom.games.game import SETS, Game, check_family, load_game
from tom.games.kinds import CHOICE, kind_of
from tom.games.payoffs import FAMILIES, ORDINAL, ORDINALS
from tom.games.rescaling import Rescaling, split_rescaling
from tom.reporting.wording import readable

PAPERS_GAMES = ("prisoners_delight", "prisoners_dilemma", "snowdrift", "stag_hunt")


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
def test_a_family_accepts_exactly_one_order_of_payoffs(family):
    accepted = []
    for values in permutations((10, 5, 3, 2)):
        payoffs = dict(zip("TRPS", values, strict=True))
        try:
            check_family(family, payoffs, "game.yaml")
            accepted.append(payoffs)
        except UserError:
            pass
    assert accepted == [ordered_payoffs(family)]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("values", [(5, 5, 3, 2), (10, 3, 3, 2), (10, 5, 2, 2), (1, 1, 1, 1)])
def test_ties_are_refused(family, values):
    with pytest.raises(UserError):
        check_family(family, ordered_payoffs(family, values), "game.yaml")


@pytest.mark.parametrize("letter", "TRPS")
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_payoff_is_a_finite_number(tmp_path, letter, value):
    file = write_game(tmp_path, payoffs=ordered_payoffs("stag_hunt") | {letter: value})
    with pytest.raises(UserError, match="payoffs"):
        load_game(file, "game")


def test_wrong_payoffs_name_file_key_family_and_what_was_found(tmp_path):
    file = write_game(tmp_path, family="snowdrift")
    with pytest.raises(UserError) as caught:
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
    ("name", "stem", "rescaling"),
    [
        ("stag_hunt", "stag_hunt", Rescaling()),
        ("stag_hunt-x2", "stag_hunt", Rescaling(2)),
        ("g-x0.5", "g", Rescaling(0.5)),
        ("g-plus10", "g", Rescaling(1, 10)),
        ("g-x0.1-minus2.5", "g", Rescaling(0.1, -2.5)),
        ("ordinal-trps-x100-plus3", "ordinal-trps", Rescaling(100, 3)),
    ],
)
def test_scale_and_shift_are_suffixes_of_the_name(name, stem, rescaling):
    assert split_rescaling(name) == (stem, rescaling)
    written = split_rescaling(f"{stem}-{rescaling}")
    assert written == (stem, rescaling)


@pytest.mark.parametrize("number", ["", "two", "0", "-2", "0.0", "2x", "nan", "inf", "1e999"])
@pytest.mark.parametrize(("mark", "example"), [("-x", "-x2"), ("-plus", "-plus10"), ("-minus", "-minus10")])
def test_a_bad_scale_or_shift_is_named(mark, example, number):
    with pytest.raises(UserError) as caught:
        split_rescaling(f"stag_hunt{mark}{number}")
    assert f"stag_hunt{mark}{number}" in str(caught.value)
    assert f"stag_hunt{example}" in str(caught.value)


@pytest.mark.parametrize("name", ["g-plus10-x2", "g-x2-x3", "g-plus1-minus2"])
def test_a_shift_follows_a_single_scale(name):
    with pytest.raises(UserError, match=name):
        split_rescaling(name)


@pytest.mark.parametrize("name", PAPERS_GAMES)
def test_a_shifted_game_keeps_its_family_whatever_the_sign_of_its_payoffs(resources, name):
    file = resources / "games" / f"{name}.yaml"
    game = load_game(file, f"{name}-x0.1-minus1")
    assert game.family == name
    assert sorted([game.T, game.R, game.P, game.S]) == [-0.8, -0.7, -0.5, 0]


def test_payoffs_that_are_equal_in_a_prompt_are_refused(resources):
    with pytest.raises(UserError, match="needs R > T > P > S"):
        load_game(resources / "games" / "stag_hunt.yaml", "stag_hunt-x0.0000000000001-plus10")


@pytest.mark.parametrize("name", PAPERS_GAMES)
def test_a_scale_multiplies_each_payoff_and_is_part_of_the_name(resources, name):
    file = resources / "games" / f"{name}.yaml"
    single, double = load_game(file, name), load_game(file, f"{name}-x2")
    assert double.name == f"{name}-x2"
    assert double.family == single.family
    assert [getattr(double, letter) for letter in "TRPS"] == [2 * getattr(single, letter) for letter in "TRPS"]


@pytest.mark.parametrize("name", PAPERS_GAMES)
def test_the_papers_games_share_four_payoffs(resources, name):
    game = load_game(resources / "games" / f"{name}.yaml", name)
    assert game.family == name
    assert {letter: getattr(game, letter) for letter in "TRPS"} == ordered_payoffs(name)


def test_every_game_file_of_this_kind_loads_and_keeps_its_family_at_twice_the_payoffs(resources):
    files = [file for file in (resources / "games").iterdir() if kind_of(file) == CHOICE]
    files = [file for file in files if yaml.safe_load(file.read_text())["family"] not in (ORDINAL, *SETS)]
    assert len(files) >= len(PAPERS_GAMES)
    for file in files:
        assert load_game(file, f"{file.stem}-x2").family == load_game(file, file.stem).family


def test_the_schema_takes_every_named_and_every_ordinal_family_and_no_other():
    allowed = load_schema("game")["properties"]["family"]["enum"]
    assert sorted(allowed) == sorted([*FAMILIES, *ORDINALS, ORDINAL])


@pytest.mark.parametrize("family", ORDINALS)
def test_a_file_may_be_of_any_ordinal_family_whose_order_it_has(tmp_path, family):
    payoffs = dict(zip(ORDINALS[family], (10, 5, 3, 2), strict=True))
    assert load_game(write_game(tmp_path, family=family, payoffs=payoffs), "game").family == family
    payoffs = dict(zip(ORDINALS[family], (10, 5, 2, 3), strict=True))
    with pytest.raises(UserError, match=f"{family} needs"):
        load_game(write_game(tmp_path, family=family, payoffs=payoffs), "game")


def test_an_ordinal_name_is_readable():
    assert readable("ordinal-trps-x2") == "Ordinal TRPS ×2"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("stag_hunt-x0.5", "Stag hunt ×0.5"),
        ("stag_hunt-plus10", "Stag hunt +10"),
        ("prisoners_dilemma-x2-minus4", "Prisoner's dilemma ×2 −4"),
    ],
)
def test_a_rescaled_name_is_readable(name, text):
    assert readable(name) == text
