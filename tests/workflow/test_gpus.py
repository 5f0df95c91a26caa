"""Whole runs on a machine with fake GPUs: a job's log names its own, and where there is one, a model is loaded once."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from engine_processes import private_engines
from fake_gpu_machine import gpu_variables
from project import Project

pytestmark = pytest.mark.slow

SUMMARY = "results/main/summary.md"
"""What every model is asked for, and no figure."""
ON_GPUS = """
splits:
  in_sample: {games: [stag_hunt], contexts: [business, friendship]}
  out_of_sample_contexts: {games: [stag_hunt], contexts: [sports]}
  doubled_payoffs: null
  public_goods: null
teacher:
  name: tiny teacher
  engine: transformers
  source: folder
  folder: tiny-teacher
  precision: source
  compute_dtype: float32
  gpus: 1
  billions: 0.135
student: {gpus: 1}
sampling: {idle_seconds: 600}
training: {gauss_newton_steps: 0}
"""


@pytest.fixture
def project(tmp_path, tiny_folder, monkeypatch):
    """A study whose models compute on a GPU, on a machine with two."""
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in gpu_variables(tmp_path / "machine", 2).items():
        monkeypatch.setenv(name, value)
    project = Project.create(tmp_path / "project", tiny_folder)
    shutil.copytree(tiny_folder, project.folder / "tiny-teacher")
    (project.folder / "gpus.yaml").write_text(ON_GPUS)
    with private_engines() as folder:
        monkeypatch.setenv("TMPDIR", str(folder))
        yield Project(project.folder, (*project.configfiles, "gpus.yaml"))


def logs(project: Project, folder: str) -> dict[Path, str]:
    """The logs of a kind of job."""
    return {file: file.read_text() for file in (project.folder / "results" / "logs" / folder).rglob("*.log")}


def gpus_of(log: str) -> list[str]:
    """The GPUs that a job's log says it computed on."""
    return re.findall(r"\bon GPU (\d) \(Fake A100\)$", log, re.MULTILINE)


def test_each_job_that_holds_a_model_has_a_gpu_of_its_own(project):
    # A fake GPU lets in one process at a time, so a shared one would end its job with an error.
    project.succeed(SUMMARY, "--resources", "gpu=2")
    used = {file: gpus_of(log) for kind in ("sample", "train") for file, log in logs(project, kind).items()}
    assert len(used) == 3 * 3 + 1
    assert all(len(found) == 1 for found in used.values()), used
    assert {found[0] for found in used.values()} == {"0", "1"}
    converted = {file.name.partition("-")[2]: gpus_of(log) for file, log in logs(project, "convert_model").items()}
    assert converted.keys() == {"source.log", "nf4-float32.log"}
    assert not converted["source.log"] and len(converted["nf4-float32.log"]) == 1


def test_where_there_is_one_gpu_each_model_is_loaded_once(project):
    project.edit("gpus.yaml", "gauss_newton_steps: 0", "gauss_newton_steps: 0, seeds: [1, 2]")
    project.succeed(SUMMARY, "--resources", "gpu=1")
    loaded = Counter()
    for file, log in logs(project, "sample").items():
        loaded[file.relative_to(project.folder / "results/logs/sample").parts[0].rpartition("-")[0]] += log.count(
            "resident engine started"
        )
        assert gpus_of(log) == ["0"] or gpus_of(log) == ["1"]
    # The base student and both tuned ones share a load.
    assert loaded.pop("teacher") == 1 and loaded.keys() == {"base", "tuned-seed1", "tuned-seed2"}
    assert loaded.total() == 1
    ended = {file.stem: file.stat().st_mtime_ns for file in logs(project, "sample") if "teacher-" in str(file)}
    assert max(ended, key=ended.get) == "sports"  # not taught
