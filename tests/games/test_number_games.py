"""Games in which players name a number: files, payoffs, and prompts."""

import pytest
import yaml

from tom.config.study import context_folder, game_file, question_file
from tom.core.errors import UserError
from tom.core.yaml_files import load_schema
from tom.games import kinds as game_kinds
from tom.games.game import load_game
from tom.games.kinds import CHOICE, FAMILIES, LOADERS, NUMBER, kind_of, load_number_game
from tom.prompts.contexts import load_context
from tom.prompts.number_questions import load_question, render_question

KEYS = {
    "public_goods": {"players": 4, "endowment": 10, "multiplier": 2.5, "sharing": "equal"},
    "dictator": {"endowment": 10},
    "ultimatum": {"role": "proposer", "endowment": 10},
    "trust": {"role": "returner", "endowment": 10, "multiplier": 3, "sent": 5},
    "travellers_dilemma": {"lowest": 2, "highest": 100, "bonus": 2},
    "beauty_contest": {"players": 10, "highest": 100, "factor": "2/3", "prize": 20},
}
SHIPPED = {
    "public_goods": range(11),
    "dictator": range(11),
    "ultimatum_offer": range(11),
    "ultimatum_acceptance": range(11),
    "trust_sending": range(11),
    "trust_returning": range(16),
    "travellers_dilemma": range(2, 101),
    "beauty_contest": range(101),
}


def write_game(folder, family="public_goods", **changes):
    """A game of the family as a file, some of its keys changed; None takes a key out."""
    file = folder / "game.yaml"
    document = {"kind": "number", "family": family} | KEYS.get(family, {}) | changes
    file.write_text(yaml.safe_dump({key: value for key, value in document.items() if value is not None}))
    return file


def made(folder, family, name="game", **changes):
    return load_number_game(write_game(folder, family, **changes), name)


def complaint(file, name="game") -> str:
    with pytest.raises(UserError) as caught:
        load_number_game(file, name)
    return str(caught.value)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_allowed_numbers_of_the_shipped_games(resources, name):
    assert load_number_game(resources / "games" / f"{name}.yaml", name).choices() == SHIPPED[name]


def test_the_papers_public_goods_are_shipped(resources):
    game = load_number_game(resources / "games" / "public_goods.yaml", "public_goods")
    assert (game.players, game.endowment, game.multiplier, game.sharing) == (4, 10, 2.5, "equal")


def test_every_family_has_a_schema_and_a_file(resources):
    assert all(load_schema(family)["properties"]["family"]["enum"] == [family] for family in FAMILIES)
    files = [resources / "games" / f"{name}.yaml" for name in SHIPPED]
    assert {yaml.safe_load(file.read_text())["family"] for file in files} == set(FAMILIES) == set(KEYS)


@pytest.mark.parametrize(
    ("family", "changes", "parts"),
    [
        ("auction", {}, ["family: 'auction'", "allowed: public_goods, dictator"]),
        ("public_goods", {"multiplier": 4}, ["multiplier: 4 is no dilemma among 4 players", "above 1 and below 4"]),
        ("public_goods", {"multiplier": 1}, ["multiplier: 1 is no dilemma"]),
        ("public_goods", {"players": 1}, ["players"]),
        ("public_goods", {"endowment": 2.5}, ["endowment"]),
        ("public_goods", {"sharing": "by_need"}, ["sharing: 'by_need'", "allowed: equal"]),
        ("public_goods", {"sharing": None}, ["missing key 'sharing'"]),
        ("public_goods", {"payoffs": {"T": 1}}, ["unknown key 'payoffs'"]),
        ("dictator", {"players": 2}, ["unknown key 'players' (allowed: endowment, family, kind)"]),
        ("ultimatum", {"role": "receiver"}, ["role: 'receiver'", "allowed: proposer, responder"]),
        ("trust", {"sent": None}, ["missing key 'sent'"]),
        ("trust", {"role": "sender"}, ["sent: ", "only the role returner has sent"]),
        ("trust", {"sent": 11}, ["sent: 11", "allowed: 1 to 10"]),
        ("trust", {"multiplier": 1}, ["multiplier"]),
        ("travellers_dilemma", {"highest": 2}, ["highest: 2", "above lowest, 2"]),
        ("beauty_contest", {"factor": "3/2"}, ["factor: 3/2", "above 0 and below 1"]),
        ("beauty_contest", {"factor": "two"}, ["factor", "two"]),
        ("beauty_contest", {"factor": "1/0"}, ["factor", "1/0"]),
        (
            "beauty_contest",
            {"factor": "6666666666666667/10000000000000000"},
            ["factor", "allowed: a fraction such as 2/3"],
        ),
    ],
)
def test_an_invalid_game_is_refused(tmp_path, family, changes, parts):
    text = complaint(write_game(tmp_path, family, **changes))
    assert all(part in text for part in ["game.yaml", *parts]), text


def test_a_scale_multiplies_the_stakes(tmp_path):
    file = write_game(tmp_path)
    assert load_number_game(file, "game-x2").endowment == 20
    assert load_number_game(file, "game-x0.5").choices() == range(6)
    assert "game-x0.25" in complaint(file, "game-x0.25") and "2.5 dollars" in complaint(file, "game-x0.25")
    assert "game-plus10" in complaint(file, "game-plus10") and "not shifted" in complaint(file, "game-plus10")
    returner = made(tmp_path, "trust", "game-x2")
    assert (returner.endowment, returner.sent, returner.choices()) == (20, 10, range(31))
    traveller = made(tmp_path, "travellers_dilemma", "game-x2")
    assert (traveller.choices(), traveller.bonus) == (range(4, 201), 4)
    # The numbers of a beauty contest are no money.
    contest = made(tmp_path, "beauty_contest", "game-x2")
    assert (contest.choices(), contest.prize) == (range(101), 40)


def test_an_order_of_payoffs_is_refused(tmp_path):
    assert "game-trps" in complaint(write_game(tmp_path), "game-trps")


def test_public_goods_pay_the_kept_dollars_and_an_equal_share(tmp_path):
    game = made(tmp_path, "public_goods")
    assert game.payoff(0, (0, 0, 0)) == 10
    assert game.payoff(10, (10, 10, 10)) == 25
    # 40 dollars would come of 16; here 2.5 x 34 / 4 = 21.25.
    assert game.payoff(4, (10, 10, 10)) == 27.25
    assert game.payoff(0, (10, 10, 10)) == 28.75


def test_payoffs_of_the_dictator_and_ultimatum_games(tmp_path):
    assert made(tmp_path, "dictator").payoffs(3, 0) == (7, 3)
    proposer, responder = (made(tmp_path, "ultimatum", role=role) for role in ("proposer", "responder"))
    assert proposer.payoffs(3, 1) == (7, 3) and proposer.payoffs(3, 0) == (0, 0)
    assert [responder.planned(4, offer) for offer in (3, 4, 5)] == [0, 1, 1]
    assert proposer.asks_first and not responder.asks_first


def test_payoffs_of_the_trust_game(tmp_path):
    sender = made(tmp_path, "trust", role="sender", sent=None)
    assert sender.payoffs(5, 7) == (12, 8) and sender.payoffs(0, 0) == (10, 0)
    assert sender.replies(5) == range(16) and sender.choices() == range(11)
    returner = made(tmp_path, "trust")
    assert list(returner.moves()) == [5] and returner.choices() == range(16)


def test_payoffs_of_the_travellers_dilemma(tmp_path):
    game = made(tmp_path, "travellers_dilemma")
    assert [game.payoff(mine, (50,)) for mine in (49, 50, 51)] == [51, 50, 48]


def test_the_number_closest_to_the_target_wins_and_ties_split_the_prize(tmp_path):
    game = made(tmp_path, "beauty_contest", players=3)
    # Mean 30, so 20 wins alone.
    assert [game.payoff(20, (30, 40)), game.payoff(30, (20, 40)), game.payoff(40, (20, 30))] == [20, 0, 0]
    assert game.payoff(0, (0, 0)) == pytest.approx(20 / 3)
    # Mean 18, target 12: 9 and 15 are equally near, which rounding would not know.
    assert game.payoff(9, (15, 30)) == game.payoff(15, (9, 30)) == 10


def test_each_game_file_is_read_by_its_kind(resources):
    kinds = {file.stem: kind_of(file) for file in (resources / "games").iterdir()}
    assert sorted(name for name, kind in kinds.items() if kind == NUMBER) == sorted(SHIPPED)
    which = {"ordinal": "-trps", "drawn": "-0", "table": "-0-column"}
    for stem, kind in kinds.items():
        family = yaml.safe_load((resources / "games" / f"{stem}.yaml").read_text()).get("family")
        name = stem + which.get(family, "")
        assert LOADERS[kind](resources / "games" / f"{stem}.yaml", name).name == name


def test_a_file_without_a_kind_is_a_choice(tmp_path):
    file = tmp_path / "game.yaml"
    file.write_text(yaml.safe_dump({"family": "stag_hunt", "payoffs": {"T": 5, "R": 10, "P": 3, "S": 2}}))
    assert kind_of(file) == CHOICE
    assert load_game(file, "game").T == 5
    assert game_kinds.context_folder(file, "game") == "contexts"


def test_a_file_of_a_number_game_that_does_not_say_so_is_refused_by_what_is_missing(tmp_path):
    file = tmp_path / "game.yaml"
    file.write_text(yaml.safe_dump({"family": "dictator", "endowment": 10}))
    with pytest.raises(UserError, match=r"kind: in dictator a number is named \(write `kind: number`\)"):
        kind_of(file)


def test_an_unknown_kind_and_another_kinds_loader_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"game\.yaml: kind: 'auction' .*allowed: choice, number"):
        kind_of(write_game(tmp_path, kind="auction"))
    with pytest.raises(UserError, match=r"game\.yaml: kind: 'number' is not allowed \(allowed: choice\)"):
        load_game(write_game(tmp_path), "game")


def read_by_a_player(resources, name, context="neutral") -> tuple[str, str]:
    """System and user message."""
    game = load_number_game(game_file(name, resources), name)
    question = load_question(question_file(name, resources), game)
    messages = render_question(question, game, load_context(context_folder(name, resources) / f"{context}.yaml"))
    return tuple(message["content"] for message in messages)


@pytest.mark.parametrize(
    ("name", "rules", "asked"),
    [
        (
            "public_goods",
            ["4 players each have 10 dollars", "multiplied by 2.5", "shared equally among all 4 players"],
            ["The 3 other players", "you give, from 0 to 10?"],
        ),
        ("dictator-x2", ["one has 20 dollars"], ["The 20 dollars are yours", "you give, from 0 to 20?"]),
        ("ultimatum_offer", ["divide 10 dollars", "both get nothing"], ["you offer, from 0 to 10?"]),
        ("ultimatum_acceptance", ["divide 10 dollars"], ["smallest offer that you accept", "from 0 to 10?"]),
        ("trust_sending", ["has 10 dollars", "multiplied by 3"], ["the first player", "you send, from 0 to 10?"]),
        ("trust_returning", ["multiplied by 3"], ["sent 5 dollars, so you got 15", "you return, from 0 to 15?"]),
        ("travellers_dilemma", ["from 2 to 100", "pays 2 dollars"], ["you claim, from 2 to 100?"]),
        ("beauty_contest", ["10 players", "2/3 of the mean", "20 dollars"], ["The 9 other", "from 0 to 100?"]),
    ],
)  # fmt: skip
def test_a_player_reads_every_rule(resources, name, rules, asked):
    system, user = read_by_a_player(resources, name)
    assert all(part in system for part in rules), system
    assert all(part in user for part in asked), user
    assert user.endswith("Answer with a number alone.")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_context_for_its_players_precedes_the_question(resources, name):
    folder = context_folder(name, resources)
    assert folder.name == ("group_contexts" if name in ("public_goods", "beauty_contest") else "contexts")
    for file in sorted(folder.glob("*.yaml")):
        system, user = read_by_a_player(resources, name, file.stem)
        assert user.startswith(load_context(file).situation + "\n")
        assert not set("{}") & set(system + user)


def test_a_template_with_an_unknown_field_is_refused(resources, tmp_path):
    text = (resources / "numbers" / "public_goods.yaml").read_text()
    file = tmp_path / "number.yaml"
    file.write_text(text.replace("{others}", "{neighbours}", 2))
    with pytest.raises(UserError, match=r"number\.yaml: user: unknown field \{neighbours\}"):
        load_question(file, made(tmp_path, "public_goods"))
