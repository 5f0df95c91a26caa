"""The configs for GPUs plan whole runs where vLLM is installed."""

import pytest
from project import REPOSITORY, Project


@pytest.mark.parametrize("names", [["paper"], ["paper", "paper_qlora"], ["modern"]], ids="+".join)
def test_a_config_for_gpus_plans_a_whole_run(names):
    files = ("config/config.yaml", *(f"config/{name}.yaml" for name in names))
    jobs = Project(REPOSITORY, files).plan()
    assert jobs["train_adapter"] == jobs["summarise_run"] == 1
    assert jobs["sample_untuned"] == 2 * 20  # teacher and base
