"""Game sets: names of members and blocks, games drawn at random, and games from a table."""

from itertools import pairwise

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tom.core.errors import UserError
from tom.core.yaml_files import load_schema
from tom.games.game import load_game, load_games, table_of
from tom.games.names import BLOCK, blocks, file_stem, is_member, members, parse_name
from tom.games.payoffs import FAMILIES, ORDINALS, Payoffs
from tom.games.rescaling import Rescaling
from tom.reporting.wording import readable
from tom.sampling.recorded import read_answers

DRAWN = {"family": "drawn", "seed": 1, "payoffs": {"low": 0, "high": 20}, "symmetric": True}
PAYOFFS = ["R", "S", "T", "P"]


def drawn_file(folder, **changes):
    file = folder / "drawn.yaml"
    file.write_text(yaml.safe_dump(DRAWN | changes))
    return file


def table_files(folder, rows: list[dict], suffix: str = "csv", **keys):
    """A table of these rows, and the game file that names it."""
    table, file = folder / f"games.{suffix}", folder / "mine.yaml"
    frame = pl.DataFrame(rows)
    frame.write_csv(table) if suffix == "csv" else frame.write_parquet(table)
    file.write_text(yaml.safe_dump({"family": "table", "table": str(table), "row_payoffs": PAYOFFS} | keys))
    return file


# Names


@given(st.integers(0, 300), st.integers(0, 300), st.booleans(), st.sampled_from(["", "-x2", "-x0.5-minus4", "-plus10"]))
def test_the_blocks_of_a_range_hold_its_members_once_and_in_order(first, more, column, suffix):
    mark = "-column" * column
    found = blocks([f"drawn-{first}..{first + more}{mark}{suffix}", "stag_hunt-x2"])
    assert found.pop() == "stag_hunt-x2"
    names = [name for block in found for name in members(block)]
    assert names == [f"drawn-{number}{mark}{suffix}" for number in range(first, first + more + 1)]
    parsed = [parse_name(block) for block in found]
    assert all(len(block.members) <= BLOCK and file_stem(str(block)) == "drawn" for block in parsed)
    # Whole blocks lie at multiples of their size, whatever the range, so that splits share their shards.
    assert all(later.members[0] % BLOCK == 0 for _, later in pairwise(parsed))
    assert [str(block) for block in parsed] == found


def test_a_name_says_what_it_stands_for():
    name = parse_name("people-17-column-x2-minus1")
    assert (name.stem, list(name.members), name.column, name.rescaling) == ("people", [17], True, Rescaling(2, -1))
    assert is_member("people-17") and is_member("people-0to63") and not is_member("ordinal-trps-x2")
    assert members("stag_hunt-x2") == ["stag_hunt-x2"]
    assert readable("drawn-17-column-x2") == "Drawn 17 (column) ×2" and readable("drawn-3") == "Drawn 3"


def test_a_range_that_runs_backwards_is_refused():
    with pytest.raises(UserError, match=r"2 comes before 5 \(allowed: drawn-2..5\)"):
        blocks(["drawn-5..2"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("drawn", "a game set"),
        ("drawn-0to3", "a game set"),
        ("drawn-0-column", "symmetric"),
        ("drawn-trps", "game set"),
    ],
)
def test_a_name_that_is_no_game_of_the_set_is_refused(tmp_path, name, said):
    with pytest.raises(UserError, match=said):
        load_game(drawn_file(tmp_path), name)


def test_a_number_is_refused_where_there_is_no_set(resources):
    with pytest.raises(UserError, match=r"no game set.*allowed: stag_hunt"):
        load_game(resources / "games" / "stag_hunt.yaml", "stag_hunt-3")


# Drawn at random


RECORDED_GAMES = [(14, 1, 19, 7), (19, 14, 8, 11), (19, 9, 5, 11), (19, 19, 5, 16), (10, 19, 15, 5)]


def test_a_game_is_the_same_on_every_machine(resources):
    """Payoffs that were written down once: a change of the stream would change every result with them."""
    files = [resources / "games" / f"{name}.yaml" for name in ("drawn", "drawn_asymmetric")]
    names = ["drawn-0", "drawn-1", "drawn-1000000", "drawn_asymmetric-0", "drawn_asymmetric-0-column"]
    assert [(game.R, game.S, game.T, game.P) for game in load_games(files, names)] == RECORDED_GAMES


@given(st.data())
def test_a_drawn_game_is_as_its_file_says(tmp_path_factory, data):
    symmetric = data.draw(st.booleans())
    ties = data.draw(st.booleans())
    orders = [] if ties or not symmetric else data.draw(st.lists(st.sampled_from(sorted(FAMILIES)), unique=True))
    low = data.draw(st.integers(-30, 10))
    high = low + data.draw(st.integers(3, 30))
    changes = {"symmetric": symmetric, "ties": ties, "payoffs": {"low": low, "high": high}}
    file = drawn_file(tmp_path_factory.mktemp("drawn"), **changes, **({"orders": orders} if orders else {}))
    number = data.draw(st.integers(0, 10**6))
    game = load_game(file, f"drawn-{number}")
    assert game == load_games([file], [f"drawn-{number + 1}", f"drawn-{number}"])[1]
    players = [game.own] if symmetric else [game.own, game.other]
    for payoffs in players:
        assert all(low <= value <= high and float(value).is_integer() for value in payoffs)
        assert ties or len(set(payoffs)) == 4
    assert game.symmetric or not symmetric
    if symmetric:
        assert game.R >= game.P and game.has_cooperation == (game.R > game.P)
        assert game.points(True, False) == game.points(False, True)[::-1]
    else:
        mirrored = load_game(file, f"drawn-{number}-column")
        assert (mirrored.own, mirrored.other) == (game.other, game.own)
        assert mirrored.points(True, False) == game.points(False, True)[::-1]
    if orders:
        exchanged = game.own.exchanged()
        drawn = {"".join(sorted(side._fields, key=lambda x: -getattr(side, x))) for side in (game.own, exchanged)}
        assert drawn & {FAMILIES[name] for name in orders}


def test_all_orders_with_cooperation_are_drawn_alike(tmp_path):
    games = load_games([drawn_file(tmp_path)], [f"drawn-{number}" for number in range(2400)])
    counts = {family: sum(game.family == family for game in games) for family in {game.family for game in games}}
    assert len(counts) == 12
    # 200 expected of each; the standard deviation is 13.5.
    assert all(140 < count < 260 for count in counts.values())
    # Payoffs are uniform before a tie is drawn again, so their mean is the middle.
    values = [value for game in games for value in game.own]
    assert abs(sum(values) / len(values) - 10) < 0.3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"payoffs": {"low": 0, "high": 2}}, "too few numbers.*high at least 3"),
        ({"ties": True, "orders": ["stag_hunt"]}, "ties: an order has none"),
        ({"orders": ["stag"]}, "orders.0: 'stag' is not allowed"),
        ({"seed": -1}, "seed"),
        ({"payoffs": {"low": 0, "high": 5.5}}, "payoffs.high"),
    ],
)
def test_a_set_that_can_draw_no_game_is_refused(tmp_path, changes, said):
    with pytest.raises(UserError, match=said):
        load_game(drawn_file(tmp_path, **changes), "drawn-0")


def test_the_schema_takes_the_orders_that_there_are():
    allowed = load_schema("drawn")["properties"]["orders"]["items"]["enum"]
    assert sorted(allowed) == sorted([*FAMILIES, *ORDINALS])


# From a table


def test_a_table_gives_each_player_its_own_payoffs(resources):
    file = resources / "games" / "textbook.yaml"
    row, column = load_games([file], ["textbook-0", "textbook-0-column"])
    # Matching pennies: the row player wins where both do the same, the column player where they don't.
    assert [row.points(*outcome) for outcome in ((True, True), (True, False))] == [(1, -1), (-1, 1)]
    assert [column.points(*outcome) for outcome in ((True, True), (True, False))] == [(-1, 1), (1, -1)]
    assert not row.has_cooperation and row.family == "asymmetric"
    hunt = load_game(file, "textbook-5-x2")
    assert hunt.symmetric and hunt.has_cooperation and hunt.family == "ties" and hunt.T == 6


@pytest.mark.parametrize("text", ["21-10-24-17", "[21 10 24 17]", "21, 10, 24, 17", "(21;10;24;17)"])
def test_four_payoffs_may_stand_in_one_column(tmp_path, text):
    file = table_files(tmp_path, [{"payoffs": text}], row_payoffs="payoffs")
    game = load_game(file, "mine-0")
    assert game.own == Payoffs(R=21, S=10, T=24, P=17) and game.symmetric


def test_losses_in_one_column_keep_their_signs(tmp_path):
    file = table_files(tmp_path, [{"payoffs": "-1 2 -3 4.5"}], row_payoffs="payoffs")
    assert load_game(file, "mine-0").own == Payoffs(R=-1, S=2, T=-3, P=4.5)


def test_an_edited_table_is_read_anew_by_a_process_that_lives_on(tmp_path):
    file = table_files(tmp_path, [dict(zip(PAYOFFS, (4, 1, 3, 2), strict=True))])
    assert load_game(file, "mine-0").R == 4
    table_files(tmp_path, [dict(zip(PAYOFFS, (44, 1, 3, 2), strict=True))])
    assert load_game(file, "mine-0").R == 44


ROW = dict(zip(PAYOFFS, (4, 1, 3, 2), strict=True)) | {"n": 40, "k": 10, "share": 0.24, "other": "x"}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("columns", "counts"),
    [
        ({"first": "k", "observations": "n"}, (10, 40)),
        ({"rate": "share", "observations": "n"}, (10, 40)),
        ({"rate": "share", "observations": 100}, (24, 100)),
    ],
)
def test_recorded_answers_are_counts_or_rates(tmp_path, suffix, columns, counts):
    file = table_files(tmp_path, [ROW, ROW], suffix, answers={"context": "neutral", "row": columns})
    assert read_answers(file, "mine-0to1", "neutral") == {"mine-0": counts, "mine-1": counts}


@pytest.mark.parametrize(
    ("name", "context"), [("mine-0", "business"), ("mine-0-column", "neutral"), ("mine-0-x2", "neutral")]
)
def test_nobody_recorded_other_contexts_players_and_payoffs(tmp_path, name, context):
    answers = {"context": "neutral", "row": {"first": "k", "observations": "n"}}
    file = table_files(tmp_path, [ROW], answers=answers, column_payoffs=PAYOFFS)
    with pytest.raises(UserError, match=f"nobody recorded answers for {name} in {context}.*allowed"):
        read_answers(file, name, context)


@pytest.mark.parametrize(
    ("keys", "name", "said"),
    [
        ({"row_payoffs": ["R", "S", "T", "Q"]}, "mine-0", "no column 'Q'.*found: R, S"),
        ({"row_payoffs": "k"}, "mine-0", "game 0: k '?10'? are no four numbers"),
        ({"row_payoffs": ["R", "S", "T", "other"]}, "mine-0", "game 0: other: 'x' is no number"),
        ({}, "mine-1", "no game 1 .allowed: 0 to 0."),
        ({"table": "gone.csv"}, "mine-0", "gone.csv is missing"),
        ({"table": "gone.xlsx"}, "mine-0", "table"),
        ({"answers": {"context": "neutral", "row": {"observations": 3}}}, "mine-0", "answers.row"),
    ],
)
def test_a_bad_table_names_file_and_column(tmp_path, keys, name, said):
    with pytest.raises(UserError, match=said):
        load_game(table_files(tmp_path, [ROW], **keys), name)


@pytest.mark.parametrize("columns", [{"first": "n", "observations": "k"}, {"rate": "n", "observations": 10}])
def test_more_first_actions_than_observations_are_refused(tmp_path, columns):
    file = table_files(tmp_path, [ROW], answers={"context": "neutral", "row": columns})
    with pytest.raises(UserError, match="game 0: n 40 of 10 observations is no count or rate"):
        read_answers(file, "mine-0", "neutral")


def test_a_file_says_which_table_it_is_read_from(tmp_path, resources):
    assert table_of(table_files(tmp_path, [ROW])) == str(tmp_path / "games.csv")
    assert table_of(resources / "games" / "stag_hunt.yaml") is None
