"""The configs that come with the project plan whole runs."""

import pytest
from project import REPOSITORY, Project

pytestmark = pytest.mark.slow

ADAPTERS = {
    "framings": 1,
    "laptop": 1,
    "larger_student": 1,
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


def test_every_config_is_planned_by_some_test():
    with_vllm = {"paper", "paper_qlora", "modern"}  # tests/vllm/test_configs.py
    found = {file.stem for file in (REPOSITORY / "config").glob("*.yaml")}
    assert found == {"config", *ADAPTERS} | with_vllm
