"""The configs that come with the project plan whole runs, those for GPUs too: on a machine without one or vLLM."""

import re
from collections import Counter
from importlib.metadata import PackageNotFoundError, distribution

import polars as pl
import pytest
from project import REPOSITORY, Project

from tom.config.study import cells_of

pytestmark = pytest.mark.slow

ADAPTERS = {
    "breadth": 1,
    "framings": 1,
    "laptop": 1,
    "larger_student": 1,
    "many_games": 1,
    "more_games": 1,
    "one_order": 3,
    "payoff_scales": 1,
    "three_seeds": 3,
    "tiny_pair": 1,
    "uniform_targets": 1,
}


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_config_for_a_cpu_plans_a_whole_run(fresh, name):
    project = Project(fresh.folder, ("config/config.yaml", f"config/{name}.yaml"))
    jobs = project.plan()
    assert jobs["summarise_run"] == 1
    assert jobs["train_adapter"] == ADAPTERS[name]


@pytest.mark.parametrize("names", [["paper"], ["paper", "paper_qlora"], ["modern"]], ids="+".join)
def test_a_config_for_gpus_plans_a_whole_run(fresh, names):
    project = Project(fresh.folder, ("config/config.yaml", *(f"config/{name}.yaml" for name in names)))
    cells = {cell for split in project.config()["splits"].values() for cell in cells_of(split)}
    said = project.succeed("plan")
    jobs = Counter(pl.read_parquet(project.experiment / "plan.parquet").drop_nulls("reason")["rule"])
    assert jobs["train_adapter"] == jobs["summarise_run"] == 1
    assert jobs["sample_shard"] == 3 * len(cells)  # teacher, base and the tuned student
    assert "GPU-h" in said
    with pytest.raises(PackageNotFoundError):
        distribution("vllm")


def test_the_pair_of_the_readme_is_a_config(fresh):
    (block,) = re.findall(r"```yaml\n(# my_pair.yaml\n.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    (fresh.folder / "my_pair.yaml").write_text(block)
    jobs = Project(fresh.folder, ("config/config.yaml", "my_pair.yaml")).plan()
    assert jobs["fetch_model"] == 2 and jobs["train_adapter"] == 1


def test_every_config_is_planned_by_some_test():
    for_gpus = {"paper", "paper_qlora", "modern"}
    found = {file.stem for file in (REPOSITORY / "config").glob("*.yaml")}
    assert found == {"config", *ADAPTERS} | for_gpus
