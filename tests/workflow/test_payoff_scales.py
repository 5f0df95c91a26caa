"""Payoffs at other scales and shifts, through Snakemake: students answer where no teacher has, and curves are drawn."""

import polars as pl
import pytest

pytestmark = pytest.mark.slow

SPLIT = """  payoff_shifts:
    recorded: false
    games: [stag_hunt-x0.5, stag_hunt-x0.1-minus4]
    contexts: [business, friendship]
student:"""
LIVE_TEACHER = """teacher:
  name: tiny teacher
  engine: transformers
  source: folder
  folder: tiny-model
  precision: source
  compute_dtype: float32
  gpus: 0
  billions: 0.135
student:"""


def test_students_answer_alone_and_curves_are_drawn(project):
    project.edit("tiny.yaml", "student:", SPLIT)
    plan = project.plan()
    assert plan["replay_shard"] == plan["train_adapter"] == 0
    assert plan["sample_shard"] == 2 * 4
    assert plan["tabulate_propensities"] == plan["tabulate_games"] == plan["plot_propensities"] == 1
    assert plan["evaluate_split"] == plan["summarise_run"] == 0
    project.succeed("response_curves", "out_of_sample", "results/main/tables/games.parquet")
    tables, figures = project.experiment / "tables", project.experiment / "figures"
    curves = pl.read_parquet(tables / "response_curves.parquet")
    assert curves.filter(role="tuned").select("scale", "shift").rows() == [(0.1, -4), (0.5, 0), (1, 0), (2, 0)]
    assert curves.filter(role="teacher")["scale"].to_list() == [1, 2]
    propensities = pl.read_parquet(tables / "payoff_shifts/propensities.parquet")
    assert set(propensities["model"]) == {"base", "tuned-seed1"}
    game = pl.read_parquet(tables / "games.parquet").row(
        by_predicate=pl.col("game") == "stag_hunt-x0.1-minus4", named=True
    )
    assert (game["T"], game["pure_equilibria"], game["teacher"]) == (-3.5, "CC DD", None)
    for name in ("response_curves", "propensities-payoff_shifts"):
        assert all((figures / f"{name}.{kind}").stat().st_size > 5000 for kind in ("pdf", "png", "svg"))
    project.succeed("report")
    page = (project.experiment / "report.html").read_text()
    assert "Propensities: Payoff shifts" in page and "Points of the response curves" in page
    # In cells, replies and prompts as in the splits that are compared.
    assert page.count("Stag hunt ×0.1 −4") > 10 and "Out of date" not in page


def test_a_live_teacher_answers_there_too(fresh):
    fresh.edit("tiny.yaml", "student:", SPLIT)
    fresh.edit("tiny.yaml", "student:", LIVE_TEACHER)
    plan = fresh.plan()
    assert plan["tabulate_propensities"] == 0
    assert plan["evaluate_split"] == 4
    assert ("teacher", "stag_hunt-x0.1-minus4", "business") in fresh.planned_shards("response_curves")


def test_a_curve_of_one_point_is_refused(fresh):
    fresh.edit(
        "tiny.yaml",
        "  doubled_payoffs:\n    games: [stag_hunt-x2]\n    contexts: [business, friendship]\n",
        "  doubled_payoffs: null\n",
    )
    said = fresh.run("response_curves").stderr
    assert "no game at several scales or shifts, all of them in one and the same context" in said
