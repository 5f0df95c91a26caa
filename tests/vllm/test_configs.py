"""The configs for GPUs plan whole runs where vLLM is installed."""

import pytest
from project import REPOSITORY, Project

from tom.config.study import cells_of


@pytest.mark.parametrize("names", [["paper"], ["paper", "paper_qlora"], ["modern"]], ids="+".join)
def test_a_config_for_gpus_plans_a_whole_run(names):
    project = Project(REPOSITORY, ("config/config.yaml", *(f"config/{name}.yaml" for name in names)))
    cells = {cell for split in project.config()["splits"].values() for cell in cells_of(split)}
    jobs = project.plan()
    assert jobs["train_adapter"] == jobs["summarise_run"] == 1
    assert jobs["sample_shard"] == 3 * len(cells)  # teacher, base and the tuned student
