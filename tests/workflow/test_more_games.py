"""Games in which a number is named, through Snakemake: asked, told of, and shown beside what payoffs say."""

import polars as pl
import pytest

pytestmark = pytest.mark.slow

SPLITS = """  public_goods: null
  trust_returning:
    recorded: false
    games: [trust_returning]
    contexts: [friendship, neutral]
  travellers_dilemma:
    recorded: false
    games: [travellers_dilemma]
    contexts: [neutral]
  beauty_contest:
    recorded: false
    games: [beauty_contest]
    contexts: [neutral]
student:"""


def test_students_name_numbers_in_games_of_every_form(project):
    project.edit("tiny.yaml", "student:", SPLITS)
    plan = project.plan()
    assert plan["train_adapter"] == plan["replay_shard"] == 0
    assert plan["sample_shard"] == 2 * 4
    project.succeed("out_of_sample", "results/main/summary.md")
    results = project.experiment
    returned = pl.read_parquet(project.folder / project.shard("base", "trust_returning", "friendship"))
    scores = returned.filter(record="score")
    assert scores["number"].to_list() == list(range(16)) and abs(scores["probability"].sum() - 1) < 1e-9
    assert returned["prompt_format"].unique().to_list() == ["trust_returner"]
    claims = pl.read_parquet(project.folder / project.shard("tuned-seed1", "travellers_dilemma", "neutral"))
    assert claims.filter(record="score")["number"].to_list() == list(range(2, 101))
    games = {row["game"]: row for row in pl.read_parquet(results / "tables/number_games.parquet").to_dicts()}
    assert {name: row["equilibria"] for name, row in games.items()} == {
        "trust_returning": "0",
        "travellers_dilemma": "2",
        "beauty_contest": "0, 1",
    }
    exact = (claims["number"] * claims["probability"]).sum()
    assert abs(games["travellers_dilemma"]["tuned"] - exact) < 1e-9
    assert games["beauty_contest"]["teacher"] is None
    told = (results / "summary.md").read_text()
    assert "- Traveller's dilemma (not taught): no teacher answered.\n" in told
    first_rows = told.partition("| Traveller's dilemma ")[2].splitlines()[2:4]
    assert [row.split()[1] for row in first_rows] == ["base", "tuned"]
    for name in ("trust_returning", "travellers_dilemma", "beauty_contest"):
        assert (results / f"figures/numbers-{name}.png").stat().st_size > 5000
    project.succeed("report")
    page = (results / "report.html").read_text()
    assert "Games in which a number is named" in page and "Games by their payoffs" in page


def test_a_context_is_of_the_games_number_of_players(fresh):
    other = SPLITS.replace("contexts: [neutral]\nstudent", "contexts: [friendship]\nstudent")
    fresh.edit("tiny.yaml", "student:", other)
    said = " ".join(fresh.run("--dry-run").stderr.split())
    assert "splits.beauty_contest.contexts: 'friendship' has no file" in said and "(allowed: neutral)" in said
