"""Games by the hundred, through Snakemake: drawn or read from a table, with computed and with recorded teachers."""

import shutil
import time
from pathlib import Path

import polars as pl
import pytest
import yaml
from project import Project

from tom.games.behaviours import load_behaviour
from tom.games.game import load_games
from tom.sampling.shards import read_shard

pytestmark = pytest.mark.slow

CONFIGS = ("config/config.yaml", "config/many_games.yaml", "tiny.yaml")


@pytest.fixture
def toy(unasked) -> Project:
    """The config many_games at the size of a toy."""
    shutil.copy2(Path(__file__).with_name("many_games.yaml"), unasked.folder / "tiny.yaml")
    return Project(unasked.folder, CONFIGS)


def test_the_whole_pipeline_runs_on_blocks_of_games(toy):
    toy.succeed("all", "breadth", "report")
    tables = toy.experiment / "tables"
    cells = {
        split: pl.read_parquet(tables / split / "propensities.parquet").filter(level="cell", view="both")
        for split in ("in_sample", "unseen_games", "doubled_payoffs", "textbook_games")
    }
    teachers = {split: rows.filter(model="teacher") for split, rows in cells.items()}
    assert {split: rows.height for split, rows in teachers.items()} == {
        "in_sample": 10, "unseen_games": 44, "doubled_payoffs": 4, "textbook_games": 40,
    }  # fmt: skip
    # The teacher's exact propensities are those of its behavioural model.
    resources = toy.folder / "resources"
    rows = teachers["unseen_games"]
    games = load_games([resources / "games" / "drawn.yaml"], rows["game"])
    logit = load_behaviour(resources / "behaviours" / "logit.yaml", "neutral")
    assert rows["exact"].to_list() == [logit.propensity(game) for game in games]
    # A shard holds a block, cut at a multiple of 64.
    blocks = [
        read_shard(toy.folder / toy.shard("base", block, "neutral")) for block in ("drawn-60to63", "drawn-64to103")
    ]
    assert [block["game"].n_unique() for block in blocks] == [4, 40]
    described = pl.read_parquet(tables / "games.parquet")
    pennies = described.filter(game="textbook-0").row(0, named=True)
    assert pennies["family"] == "asymmetric" and pennies["mixed_cooperation"] == 0.5 and not pennies["pure_equilibria"]
    assert described.filter(game="textbook-5")["order"].to_list() == ["R > T = P > S"]
    summary = (toy.experiment / "summary.md").read_text()
    assert "a logit player" in summary and "Teacher: a behavioural model" in summary
    breadth = pl.read_parquet(tables / "unseen_games" / "breadth.parquet")
    assert set(breadth.filter(predictor="tuned")["games"]) == {4, 10}
    assert (toy.experiment / "figures" / "breadth.svg").stat().st_size > 5000
    assert toy.plan("all", "breadth", "report").total() == 0


def test_a_thousand_games_are_a_small_graph_that_is_planned_in_seconds(toy):
    toy.edit("tiny.yaml", "games: [drawn-0..9]", "games: [drawn-0..1023]")
    toy.edit("tiny.yaml", "games: [drawn-60..103]", "games: [drawn-1024..1279]")
    toy.edit("tiny.yaml", "games: [drawn-0..3-x2]", "games: [drawn-0..255-x2]")
    # The wider the payoffs, the rarer is a game that is drawn twice.
    toy.edit("resources/games/drawn.yaml", "high: 20", "high: 100")
    started = time.monotonic()
    plan = toy.plan()
    seconds = time.monotonic() - started
    assert plan["compute_shard"] == 16 + 4 + 4 + 2 * 4 and plan["sample_shard"] == 2 * plan["compute_shard"]
    assert plan.total() < 130
    assert seconds < 60


def test_a_tables_answers_are_replayed_and_an_edit_of_it_reruns_its_shards(toy):
    table = toy.folder / "answers.csv"
    table.write_text("row,column,rate,n,other\n1-2-3-4,4 3 2 1,0.25,40,0.5\n5-1-2-3,3 3 1 1,1.0,20,0.0\n")
    answers = {"context": "neutral", "row": {"rate": "rate", "observations": "n"}}
    answers["column"] = {"rate": "other", "observations": 10}
    document = {"family": "table", "table": "answers.csv", "row_payoffs": "row", "column_payoffs": "column"}
    (toy.folder / "resources/games/mine.yaml").write_text(yaml.safe_dump(document | {"answers": answers}))
    splits = {"in_sample": {"games": ["mine-0..1"], "contexts": ["neutral"]}}
    splits["other_players"] = {"games": ["mine-0..1-column"], "contexts": ["neutral"]}
    splits |= dict.fromkeys(("unseen_games", "doubled_payoffs", "textbook_games"))
    config = yaml.safe_load((toy.folder / "tiny.yaml").read_text())
    # All of its answers are in the set's table: no counts of other games are named.
    config |= {"splits": splits, "teacher": {"name": "people", "engine": "recorded"}}
    config["training"] |= {"target": "label"}
    (toy.folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    shards = [toy.shard("teacher", block, "neutral") for block in ("mine-0to1", "mine-0to1-column")]
    toy.succeed(*shards)
    cooperated = (pl.col("action") == "cooperate").sum()
    counted = [
        read_shard(toy.folder / shard).group_by("game", maintain_order=True).agg(cooperated, n=pl.len()).rows()
        for shard in shards
    ]
    assert counted == [[("mine-0", 10, 40), ("mine-1", 20, 20)], [("mine-0-column", 5, 10), ("mine-1-column", 0, 10)]]
    assert toy.plan(*shards).total() == 0
    table.write_text(table.read_text().replace("0.25", "0.5"))
    assert toy.plan(*shards) == {"replay_shard": 2}
    # Probabilities are refused before anything runs: people's answers are counts.
    toy.edit("tiny.yaml", "target: label", "target: probabilities")
    assert "a recorded teacher has counts alone" in " ".join(toy.run().stderr.split())
