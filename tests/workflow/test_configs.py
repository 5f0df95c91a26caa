"""The configs that come with the project plan whole runs."""

import pytest
from project import REPOSITORY, Project


@pytest.mark.parametrize(
    "name", ["framings", "laptop", "larger_student", "more_games", "payoff_scales", "three_seeds", "tiny_pair"]
)
def test_a_config_for_a_cpu_plans_a_whole_run(fresh, name):
    project = Project(fresh.folder, ("config/config.yaml", f"config/{name}.yaml"))
    jobs = project.plan()
    assert jobs["summarise_run"] == 1
    assert jobs["train_adapter"] == {"three_seeds": 3}.get(name, 1)


def test_every_config_is_planned_by_some_test():
    planned = {
        "config",
        "framings",
        "laptop",
        "larger_student",
        "more_games",
        "payoff_scales",
        "three_seeds",
        "tiny_pair",
    }
    with_vllm = {"paper", "paper_qlora", "modern"}  # tests/vllm/test_configs.py
    assert {file.stem for file in (REPOSITORY / "config").glob("*.yaml")} == planned | with_vllm
