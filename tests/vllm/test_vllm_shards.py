"""Shards that vLLM answered: the same bytes from a resident engine and from one's own, and a whole workflow."""

import os
from dataclasses import replace

import polars as pl
import pytest
from engine_processes import servers
from project import Project
from regenerate_golden import cell_files
from tiny_model import make_tiny_model

from tom.engines.opening import with_local_engine
from tom.engines.resident import ResidentEngine, engine_key
from tom.engines.vllm_engine import VllmEngine
from tom.prompts.variants import ORDERS
from tom.sampling.choices import observe
from tom.sampling.procedures import SamplingSettings
from tom.sampling.shards import write_shard

TEACHER = """teacher:
  name: another tiny
  engine: vllm
  source: folder
  folder: tiny-teacher
  precision: source
  compute_dtype: float32
  gpus: 0
  billions: 0.001
  vllm: {memory_share: 0.5}
student:
"""


def test_resident_engines_serve_one_shard_after_another_with_the_same_bytes(engines_folder, local_model, tmp_path):
    def work(engine):
        used.append(type(engine))
        fields = {"model": "base", "game": "stag_hunt", "context": "sports"}
        settings = SamplingSettings(300, 1.0, seed=1, option_orders=ORDERS)
        return observe(engine, cell_files("stag_hunt", "sports"), settings, fields)

    model = replace(local_model, engine="vllm")
    home = engines_folder / f"tom-transfer-{os.getuid()}" / engine_key(model)
    used, processes = [], []
    for name, idle_seconds in (("first", 60), ("second", 60), ("alone", 0)):
        write_shard(tmp_path / name, with_local_engine(model, idle_seconds, work))
        processes.append(servers(home))
    assert used == [ResidentEngine, ResidentEngine, VllmEngine]
    assert processes[0] == processes[1] and len(processes[0]) == 1
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes() == (tmp_path / "alone").read_bytes()


def test_engines_of_two_kinds_never_answer_for_one_another(local_model):
    served = (replace(local_model, engine="vllm", settings={"adapter": name}) for name in ("runtime", "merged"))
    kinds = [local_model, *served]
    assert len({engine_key(model) for model in kinds}) == 3


@pytest.fixture(scope="session")
def finished(tmp_path_factory, tiny_folder) -> Project:
    """A finished run of the whole workflow in which vLLM answers for every model."""
    project = Project.create(tmp_path_factory.mktemp("vllm") / "project", tiny_folder)
    make_tiny_model(project.folder / "tiny-teacher", seed=1)
    project.edit("tiny.yaml", "engine: transformers", "engine: vllm")
    project.edit("tiny.yaml", "precision: nf4", "precision: float32")
    project.edit("tiny.yaml", "student:\n", TEACHER)
    project.succeed()
    return project


def test_a_whole_workflow_runs_on_vllm(finished):
    files = sorted((finished.folder / "results/shards").glob("*/choice-*/*/*.parquet"))
    shards = pl.concat([pl.read_parquet(file) for file in files])
    assert len(files) == 3 * (4 + 2 + 2)
    assert set(shards["model"]) == {"teacher", "base", "tuned-seed1"}
    assert set(shards["engine"]) == {"vllm"}
    assert shards["p_cooperate"].is_between(0, 1).all() and shards["option_mass"].is_between(0, 1).all()
    assert "another tiny" in (finished.experiment / "summary.md").read_text()


def test_a_shard_comes_back_byte_for_byte(finished):
    for model in ("teacher", "tuned-seed1"):
        target = finished.shard(model, "stag_hunt", "business")
        shard = finished.folder / target
        before = shard.read_bytes()
        shard.unlink()
        finished.succeed(target)
        assert shard.read_bytes() == before
