"""The whole protocol, motivations included, with every model on the GPU."""

from dataclasses import replace

import polars as pl
from project import Project

ON_A_GPU = """
teacher: {gpus: 1, compute_dtype: bfloat16}
student: {gpus: 1, compute_dtype: bfloat16}
"""


def test_the_tiny_pair_runs_through_the_workflow(tmp_path, tiny_folder, device):
    project = Project.create(tmp_path / "project", tiny_folder)
    files = ["config/config.yaml", "config/tiny_pair.yaml"]
    if device == "cuda":
        (project.folder / "gpu.yaml").write_text(ON_A_GPU)
        files.append("gpu.yaml")
    project = replace(project, configfiles=tuple(files))
    said = project.succeed()
    table = pl.read_parquet(project.experiment / "tables/in_sample/alignment.parquet")
    assert set(table["predictor"]) >= {"base", "tuned-seed1", "chance"}
    assert "What tiny student learnt from tiny teacher" in said
