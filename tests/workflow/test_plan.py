"""`snakemake plan` says what a run would do and runs nothing; `plan_review` sets what then happened beside it."""

import re
from collections import Counter

import polars as pl
import pytest


def kept(project) -> pl.DataFrame:
    """The plan that was kept."""
    return pl.read_parquet(project.experiment / "plan.parquet")


def due(project) -> pl.DataFrame:
    """Those of its jobs that are to run."""
    return kept(project).drop_nulls("reason")


def test_a_misspelt_target_is_refused_before_anything_is_planned(fresh):
    done = fresh.run("plan", "--config", "plan=reprot")
    assert done.returncode == 1 and not fresh.experiment.exists()
    said = "Error: --config: plan: there is no target 'reprot'; did you mean report? (allowed: what `snakemake targets`"
    assert said in done.stderr, done.stderr
    assert "Next:" not in done.stdout + done.stderr


def test_a_new_study_is_planned_as_it_would_run_and_nothing_runs(fresh):
    expected = fresh.plan()
    said = fresh.succeed("plan")
    assert Counter(due(fresh)["rule"]) == expected
    assert f"{expected.total()} jobs to run, 0 done" in said
    assert re.search(r"^by the clock: about \d+ minutes on 1 core \(--cores of this command\)", said, re.MULTILINE)
    assert {path.name for path in (fresh.folder / "results").iterdir()} == {"logs", "main"}
    assert {path.name for path in fresh.experiment.iterdir()} <= {"plan.parquet", "contents.yaml"}
    assert set(due(fresh)["reason"]) == {"missing output"}
    assert set(due(fresh)["seconds_from"]) == {"estimate"}
    # Of the weights that the base student and the tuned one share; a recorded teacher is no model.
    assert due(fresh)["shard"].sum() == 27 and due(fresh)["loads"].sum() == 1


@pytest.mark.slow
def test_the_config_of_the_command_line_is_the_one_that_is_planned(fresh):
    fresh.edit("tiny.yaml", "idle_seconds: 30", "idle_seconds: 0")
    fresh.edit("tiny.yaml", "rank: 4", "seeds: [1, 2]\n  rank: 4")
    fresh.succeed("plan", "--config", "plan=sample_in_sample")
    assert Counter(due(fresh)["rule"])["sample_shard"] == 4 + 8
    assert due(fresh)["loads"].sum() == 8 + 4
    failed = fresh.run("plan", "--config", "plan=nothing_of_the_kind")
    line = "--config: plan: there is no target 'nothing_of_the_kind'"
    assert failed.returncode and line in failed.stdout + failed.stderr


@pytest.mark.slow
def test_weights_that_are_here_are_counted_and_others_are_taken_to_have_large_embeddings(fresh):
    """The tiny model has 25 thousand in its embeddings. The config says that it has 135 million weights."""
    fresh.succeed("plan", "--config", "plan=prepare")
    counted = due(fresh).filter(rule="convert_model")["bytes"].item()
    assert 0.516 * 0.135e9 < counted < 0.52 * 0.135e9
    fresh.edit(
        "tiny.yaml", "  source: folder\n", f"  source: hub\n  hub: {{repository: a/b, revision: '{'0' * 40}'}}\n"
    )
    fresh.succeed("plan", "--config", "plan=prepare")
    assert due(fresh).filter(rule="convert_model")["bytes"].item() == 4 * 0.135e9


@pytest.mark.slow
def test_a_plan_says_why_jobs_rerun_and_rests_on_earlier_ones(project):
    said = project.succeed("plan")
    assert "nothing to do" in said and "Next: snakemake report " in said and "Files:" not in said
    project.edit("workflow/scripts/plot_agreement.py", "s=14", "s=15")
    (project.experiment / "figures/gap_closed.png").unlink()
    project.succeed("plan")
    assert dict(due(project).select("rule", "reason").rows()) == {
        "plot_agreement": "code",
        "plot_gap_closed": "missing output",
    }
    # Another recipe is another student, whose files are missing; an edited text is an input that changed.
    project.edit("tiny.yaml", "epochs: 3", "epochs: 2")
    project.edit("resources/contexts/sports.yaml", "athletes", "sportspeople")
    project.edit("tiny.yaml", "rank: 4", "seeds: [1, 2]\n  rank: 4")
    project.succeed("plan")
    plan = due(project)
    reasons = {rule: set(jobs["reason"]) for (rule,), jobs in plan.group_by("rule")}
    assert reasons["plot_agreement"] == {"upstream"}
    assert reasons["train_adapter"] == {"missing output"}
    shards = plan.filter(rule="sample_shard")
    base = shards.filter(pl.col("output").str.contains("/base-"))
    assert base.height == 2 and set(base["reason"]) == {"inputs"}
    assert set(shards.filter(pl.col("output").str.contains("/tuned-"))["reason"]) == {"missing output"}
    trainings = plan.filter(rule="train_adapter").sort("subject")
    assert trainings["seconds_from"].to_list() == ["other subjects", "other subjects"]
    assert trainings["seconds"].n_unique() == 1


@pytest.mark.slow
def test_a_review_sets_the_run_beside_its_plan(project):
    (project.experiment / "summary.md").unlink()
    project.succeed("plan")
    assert due(project)["rule"].to_list() == ["summarise_run"]
    project.succeed()
    said = project.succeed("plan_review")
    (line,) = (line for line in said.splitlines() if line.startswith("| summarise_run"))
    _, planned, timed, basis, forecast, actual, _ = (cell.strip() for cell in line.strip("|").split("|"))
    assert (planned, timed, basis) == ("1", "1", "measured")
    assert float(forecast) > 0 and float(actual) > 0
