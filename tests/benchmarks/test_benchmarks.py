"""Every benchmark says how it is called, and runs: at toy size, on the tests' tiny model."""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from engine_processes import wait_until

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks"
NAMES = {file.name for file in FOLDER.glob("*.py")}
HELPERS = {"measure.py", "sft_rows.py"}  # imported by the others
# The smallest size at which each does all that it does. {model}: a model folder; {new}: a folder that is not there yet.
TOY = {
    "coverage.py": "--runs 2",
    "cpu_types.py": "--model {model} --tokens 8",
    "gpu_check.py": "--small --output {new}",
    "large_study.py": "{new} --seeds 1 --games 2 --contexts 2",
    "long_replies.py": "--model {model} --replies 4 --trl-replies 2 --prompt 60 --length 12 --batch 2",
    "many_numbers.py": "--model {model} --claims 1",
    "many_shards.py": "{shards}",
    "one_prefill.py": "--model {model} --calls 1 --observations 4",
    "resident_engine.py": "--model {model} --shards 1",
    "same_results.py": "{shards}/results {shards}/results",
    "weighted_training.py": "--model {model} --rows 2 --cells 1",
}
SECONDS_EACH = {"coverage.py", "cpu_types.py", "many_shards.py", "many_numbers.py", "one_prefill.py", "same_results.py"}
"""Those that take some seconds; the rest are slow."""


def run(folder: Path, name: str, *arguments: str) -> str:
    """Run a benchmark to its end; what it printed."""
    command = [sys.executable, folder / "benchmarks" / name, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def model(tmp_path_factory, nf4_folder) -> Path:
    """The tiny model as `snakemake prepare` leaves one."""
    from tom.models.model_folders import write_manifest

    folder = tmp_path_factory.mktemp("prepared")
    (folder / "weights").symlink_to(nf4_folder)
    write_manifest(folder / "manifest.json", folder / "weights", source="tests")
    return folder


@pytest.fixture
def shards(tmp_path) -> Path:
    """A study with a shard of a teacher and one of a student."""
    from made_shards import counted_rows, scored_rows

    from tom.prompts.variants import ORDERS, scored
    from tom.sampling.shards import write_shard

    for name in ("teacher", "base"):
        rows = counted_rows(name, "stag_hunt", "sports", dict.fromkeys(ORDERS, (3, 2, 0)))
        p = {(variant.order, variant.cooperation_label): 0.6 for variant in scored(list(ORDERS))}
        rows += scored_rows(name, "stag_hunt", "sports", p)
        write_shard(tmp_path / "results/shards" / f"{name}-0" / "choice-0/stag_hunt/sports.parquet", rows)
    return tmp_path


def test_every_benchmark_is_run_here():
    assert TOY.keys() | {"default_run.py"} == NAMES - HELPERS


@pytest.mark.parametrize("name", sorted(NAMES - HELPERS))
def test_a_benchmark_says_how_it_is_called_and_starts_nothing(name):
    said = run(ROOT, name, "--help")
    assert said.startswith(f"usage: {name}")
    # What an argument is for stands behind it, or on the next line where it is long.
    unexplained = re.findall(r"^  -?\S+(?: \S+)?$(?!\n {10})", said, re.MULTILINE)
    assert not unexplained


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SECONDS_EACH else [pytest.mark.slow]) for name in TOY]
)
def test_a_benchmark_runs(name, model, shards, tmp_path, engines_folder, monkeypatch):
    # Where a process looks for resident engines.
    monkeypatch.setenv("TMPDIR", str(engines_folder))
    words = TOY[name].format(model=model, shards=shards, new=tmp_path / "study").split()
    assert re.search(r"\d", run(ROOT, name, *words))


def test_a_check_without_a_gpu_says_so_section_by_section(tmp_path):
    command = [sys.executable, FOLDER / "gpu_check.py", "--sections", "card", "score", "--output", tmp_path]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}, capture_output=True)
    assert done.returncode == 1
    failed = [row for row in json.loads((tmp_path / "gpu_check.json").read_text()) if row["ok"] is False]
    assert [row["section"] for row in failed] == ["card", "score"]
    assert all("UserError: gpus: 1, but" in row["found"] for row in failed)
    assert (tmp_path / "gpu_check.md").read_text().count("WRONG") == 2


def test_a_section_of_the_check_that_dies_leaves_the_others(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    import gpu_check

    monkeypatch.setitem(gpu_check.SECTIONS, "card", lambda check: check.add("a size", 1 / 0))
    (failed, took) = gpu_check.rows_of("card", tmp_path, small=True)
    assert failed == gpu_check.row("card", "failed", "ZeroDivisionError: division by zero", ok=False)
    assert took["unit"] == "s"


STOPPED = """
import os, subprocess, sys, time

def killed(*given):
    os._exit(9)

def endless(sender, section, work):
    os.setpgrp()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (work / "pid").write_text(str(child.pid))
    time.sleep(600)
"""


@pytest.mark.parametrize("how", ["killed", "endless"])
def test_a_section_of_the_check_that_never_answers_leaves_the_others(tmp_path, monkeypatch, how):
    monkeypatch.syspath_prepend(FOLDER)
    import gpu_check

    (tmp_path / "stopped.py").write_text(STOPPED)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(gpu_check, "send_rows", getattr(importlib.import_module("stopped"), how))
    (failed,) = gpu_check.rows_of_process("score", tmp_path, 60 if how == "killed" else 3)
    assert failed["ok"] is False
    if how == "killed":
        assert failed["found"] == "its process was killed"
    else:
        assert failed["found"].startswith("took longer than the 3 s")
        child = int((tmp_path / "pid").read_text())
        assert wait_until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie", 10)


@pytest.mark.slow
def test_the_measured_run_ends_with_its_time_and_memory(tiny_folder, tmp_path):
    """In a copy of the project, since it writes beside the workflow."""
    sys.path.insert(0, str(ROOT / "tests" / "workflow"))
    from project import Project

    project = Project.create(tmp_path / "project", tiny_folder)
    shutil.copytree(FOLDER, project.folder / "benchmarks", ignore=shutil.ignore_patterns("runs", "__pycache__"))
    said = run(project.folder, "default_run.py", "--", "prepare", "--configfile", *project.configfiles)
    assert re.search(r"wall \d+\.\d min, peak memory \d+\.\d GiB", said)
    assert not list(project.folder.glob("results*"))


def test_without_a_prepared_student_a_line_says_what_to_do(tmp_path):
    done = subprocess.run(
        [sys.executable, FOLDER / "one_prefill.py", "--model", tmp_path], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 1
    assert "snakemake prepare" in done.stderr and "Traceback" not in done.stderr
