"""The table of games: structure beside behaviour."""

import sys

import polars as pl
import pytest
import tabulate_games
from made_tables import made_tables


@pytest.fixture(scope="module")
def written(resources, tmp_path_factory) -> pl.DataFrame:
    folder = tmp_path_factory.mktemp("games")
    propensities = made_tables(resources)["propensities"]
    propensities.write_parquet(folder / "propensities.parquet")
    games = sorted((resources / "games").glob("*.yaml"))
    arguments = ["--game-files", *games, "--propensities", folder / "propensities.parquet"]
    with pytest.MonkeyPatch.context() as patch:
        words = ["tabulate_games.py", *arguments, "--output", folder / "games.parquet"]
        patch.setattr(sys, "argv", list(map(str, words)))
        tabulate_games.main()
    assert {file.suffix for file in folder.glob("games.*")} == {".parquet", ".csv", ".tex"}
    return pl.read_parquet(folder / "games.parquet")


def test_each_game_of_each_split_has_a_row(written):
    assert written.select("split", "game").is_unique().all()
    assert written.group_by("split").len()["len"].to_list() == [2, 2, 2]


def test_structure_stands_beside_behaviour(written):
    row = written.filter(split="in_sample", game="prisoners_dilemma").row(0, named=True)
    assert (row["order"], row["pure_equilibria"], row["dominant"]) == ("T > R > P > S", "DD", "defect")
    # Contexts of .2 and .6; a base of .8; students of 0 and .1 above the teacher.
    assert row["teacher"] == pytest.approx(0.4)
    assert row["base"] == pytest.approx(0.8)
    assert row["tuned"] == pytest.approx(0.45)
