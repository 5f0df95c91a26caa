"""The configs that come with the project plan whole runs, those for GPUs too: on a machine without one or vLLM."""

import re
from collections import Counter
from importlib.metadata import PackageNotFoundError, distribution

import polars as pl
import pytest
from project import REPOSITORY, Project

from tom.config.study import cells_of
from tom.planning.plan_lines import hours

pytestmark = pytest.mark.slow

ADAPTERS = {
    "anchored": 1,
    "breadth": 1,
    "endpoint": 1,
    "framings": 1,
    "laptop": 1,
    "larger_student": 1,
    "many_games": 1,
    "more_games": 1,
    "one_order": 3,
    "payoff_scales": 1,
    "students": 1,
    "three_seeds": 3,
    "tiny_pair": 1,
    "uniform_targets": 1,
}


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_config_for_small_models_plans_a_whole_run(fresh, name):
    project = Project(fresh.folder, ("config/config.yaml", f"config/{name}.yaml"))
    jobs = project.plan()
    assert jobs["summarise_run"] == 1
    assert jobs["train_adapter"] == ADAPTERS[name]


@pytest.mark.parametrize(
    ("names", "steps"), [(["paper"], 282), (["paper", "paper_qlora"], 376), (["modern"], 376)], ids=str
)
def test_a_config_for_gpus_plans_a_whole_run_that_its_cards_hold(fresh, names, steps):
    project = Project(fresh.folder, ("config/config.yaml", *(f"config/{name}.yaml" for name in names)))
    cells = {cell for split in project.config()["splits"].values() for cell in cells_of(split)}
    # What a small model took says nothing of these.
    earlier = project.folder / "results/benchmarks/sample/base-00000000/choice-00000000/stag_hunt/sports.tsv"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("s\n0.5\n")
    said = project.succeed("plan")
    jobs = Counter(pl.read_parquet(project.experiment / "plan.parquet").drop_nulls("reason")["rule"])
    assert jobs["train_adapter"] == jobs["summarise_run"] == 1
    assert jobs["sample_shard"] == 3 * len(cells)  # teacher, base and the tuned student
    plan = pl.read_parquet(project.experiment / "plan.parquet")
    assert plan["loads"].sum() == 2  # the teacher, and the weights of base and tuned student
    assert set(plan.filter(rule="sample_shard")["seconds_from"]) == {"estimate"}
    # 80 GB a card (docs/gpu.md); limits of 2 to 3 hours, where 1 is expected.
    assert 30_000 < plan["gpu_mb"].max() < 80_000
    assert 1 < hours(plan, gpus=True) < 4 and "GPU-h" in said
    assert f"training: {steps} optimiser steps" in said and "warning" not in said
    with pytest.raises(PackageNotFoundError):
        distribution("vllm")


@pytest.mark.parametrize("page", ["README.md", "config/README.md"])
def test_the_pair_of_the_readme_is_a_config(fresh, page):
    (block,) = re.findall(r"```yaml\n(# \w+_pair.yaml\n.*?)```", (REPOSITORY / page).read_text(), re.DOTALL)
    (fresh.folder / "my_pair.yaml").write_text(block)
    jobs = Project(fresh.folder, ("config/config.yaml", "my_pair.yaml")).plan()
    assert jobs["fetch_model"] == 2 and jobs["train_adapter"] == 1


def test_the_recorded_choices_of_the_docs_plan_a_whole_run(fresh):
    section = (REPOSITORY / "config" / "README.md").read_text().partition("## Choices that you recorded")[2]
    for name, kind in (("my.csv", "csv"), ("my.yaml", "yaml")):
        (fresh.folder / name).write_text(re.search(rf"```{kind}\n(.*?)```", section, re.DOTALL)[1])
    project = Project(fresh.folder, ("config/config.yaml", "my.yaml"))
    jobs = project.plan()
    assert jobs["train_adapter"] == jobs["summarise_run"] == 1
    assert jobs["replay_shard"] == 4


def test_the_own_games_of_the_docs_plan_a_whole_run(fresh):
    extending = (REPOSITORY / "docs" / "extending.md").read_text()
    for kind, name in (("contexts", "library"), ("games", "my_game")):
        (text,) = re.findall(rf"`resources/{kind}/{name}.yaml`:\n\n```yaml\n(.*?)```", extending, re.DOTALL)
        (fresh.folder / "resources" / kind / f"{name}.yaml").write_text(text)
    (block,) = re.findall(
        r"```yaml\n(# own_games.yaml\n.*?)```", (REPOSITORY / "config" / "README.md").read_text(), re.DOTALL
    )
    (fresh.folder / "own_games.yaml").write_text(block)
    jobs = Project(fresh.folder, ("config/config.yaml", "own_games.yaml")).plan()
    assert jobs["train_adapter"] == jobs["summarise_run"] == 1
    assert jobs["compute_shard"] == 4 + 2 + 1 and jobs["sample_shard"] == 2 * (4 + 2 + 1)


def test_every_config_is_planned_by_some_test():
    for_gpus = {"paper", "paper_qlora", "modern"}
    found = {file.stem for file in (REPOSITORY / "config").glob("*.yaml")}
    assert found == {"config", *ADAPTERS} | for_gpus
