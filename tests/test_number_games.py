"""Public goods games: their files, their kind, and what a player reads."""

import pytest
import yaml

from tom.asking.contexts import load_context
from tom.asking.game_kinds import CHOICE, CONTEXTS, LOADERS, NUMBER, kind_of
from tom.asking.games import load_game
from tom.asking.number_games import NumberGame, load_number_game
from tom.asking.number_questions import load_question, render_question
from tom.errors import BadInput

PAPERS = {"kind": "number", "family": "public_goods", "players": 4, "endowment": 10, "multiplier": 2.5}
PAPERS |= {"sharing": "equal"}


def write_game(folder, **changes):
    """The paper's game as a file, some of its keys changed; None takes a key out."""
    file = folder / "game.yaml"
    document = {key: value for key, value in (PAPERS | changes).items() if value is not None}
    file.write_text(yaml.safe_dump(document))
    return file


def complaint(file, name="game") -> str:
    with pytest.raises(BadInput) as caught:
        load_number_game(file, name)
    return str(caught.value)


def test_the_papers_numbers_are_shipped(resources):
    game = load_number_game(resources / "games" / "public_goods.yaml", "public_goods")
    assert game == NumberGame("public_goods", "public_goods", 4, 10, 2.5, "equal")
    assert list(game.amounts()) == list(range(11))


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"multiplier": 4}, ["multiplier: 4 is no dilemma among 4 players", "above 1 and below 4"]),
        ({"multiplier": 1}, ["multiplier: 1 is no dilemma"]),
        ({"players": 1}, ["players"]),
        ({"endowment": 2.5}, ["endowment"]),
        ({"sharing": "by_need"}, ["sharing: 'by_need'", "allowed: equal"]),
        ({"sharing": None}, ["missing key 'sharing'"]),
        ({"payoffs": {"T": 1}}, ["unknown key 'payoffs'"]),
    ],
)
def test_a_game_that_is_none_is_refused(tmp_path, changes, parts):
    text = complaint(write_game(tmp_path, **changes))
    assert all(part in text for part in ["game.yaml", *parts]), text


def test_a_scale_multiplies_the_endowment(tmp_path):
    file = write_game(tmp_path)
    assert load_number_game(file, "game-x2").endowment == 20
    assert load_number_game(file, "game-x0.5").amounts() == range(6)
    assert "game-x0.25" in complaint(file, "game-x0.25") and "2.5 dollars" in complaint(file, "game-x0.25")


def test_each_game_file_is_read_by_its_kind(resources):
    kinds = {file.stem: kind_of(file) for file in (resources / "games").iterdir()}
    assert [name for name, kind in kinds.items() if kind == NUMBER] == ["public_goods"]
    for stem, kind in kinds.items():
        name = f"{stem}-trps" if stem == "ordinal" else stem
        assert LOADERS[kind](resources / "games" / f"{stem}.yaml", name).name == name
    assert set(CONTEXTS) == set(LOADERS)


def test_a_file_without_a_kind_is_of_a_choice(tmp_path):
    file = tmp_path / "game.yaml"
    file.write_text(yaml.safe_dump({"family": "stag_hunt", "payoffs": {"T": 5, "R": 10, "P": 3, "S": 2}}))
    assert kind_of(file) == CHOICE
    assert load_game(file, "game").T == 5


def test_an_unknown_kind_and_another_kinds_loader_are_refused(tmp_path):
    with pytest.raises(BadInput, match=r"game\.yaml: kind: 'auction' .*allowed: choice, number"):
        kind_of(write_game(tmp_path, kind="auction"))
    with pytest.raises(BadInput, match=r"game\.yaml: kind: 'number' is not allowed \(allowed: choice\)"):
        load_game(write_game(tmp_path), "game")


def test_a_player_reads_every_rule(resources):
    elicitation = load_question(resources / "numbers" / "public_goods.yaml")
    game = load_number_game(resources / "games" / "public_goods.yaml", "public_goods")
    context = load_context(resources / "group_contexts" / "neutral.yaml")
    system, user = (message["content"] for message in render_question(elicitation, game, context))
    for part in ("4 players each have 10 dollars", "multiplied by 2.5", "shared equally among all 4 players"):
        assert part in system
    for part in (context.situation, "3 other players", "from 0 to 10"):
        assert part in user


def test_a_template_with_an_unknown_field_is_refused(resources, tmp_path):
    text = (resources / "numbers" / "public_goods.yaml").read_text()
    file = tmp_path / "number.yaml"
    file.write_text(text.replace("{others}", "{neighbours}", 2))
    with pytest.raises(BadInput, match=r"number\.yaml: user: unknown field \{neighbours\}"):
        load_question(file)
