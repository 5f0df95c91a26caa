"""A run that is killed goes on where it was, and ends as an undisturbed one."""

import os
import signal
import subprocess
import time

import pytest
from project import Project, environment

pytestmark = pytest.mark.slow

STAGES = {
    "sampling the base student": "shards/base-*/*/*/*.parquet",
    "training": "checkpoints/*/checkpoint.pt",
    "sampling the tuned student": "shards/tuned-seed1-*/*/*/sports.parquet",
}


def kill_when(project: Project, pattern: str) -> None:
    """Start a run and kill it, with all its jobs, as soon as a result matches the pattern."""
    with (project.folder / "killed.log").open("ab") as log:
        run = subprocess.Popen(
            project.command(), cwd=project.folder, env=environment(), stdout=log, stderr=log, start_new_session=True
        )
        deadline = time.monotonic() + 300
        while not list((project.folder / "results").glob(pattern)):
            assert run.poll() is None, (project.folder / "killed.log").read_text()
            assert time.monotonic() < deadline, f"no {pattern}"
            time.sleep(0.02)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    project.succeed("--unlock")


def test_a_run_killed_in_three_stages_ends_as_an_undisturbed_one(fresh, finished):
    for pattern in STAGES.values():
        kill_when(fresh, pattern)
    said = fresh.succeed()
    assert fresh.results() == finished.results()
    assert not list(fresh.folder.rglob(".*.parquet.*")), said
    assert not list((fresh.folder / "results" / "checkpoints").glob("*/checkpoint.pt"))


def test_a_killed_training_resumes_after_its_last_pass(fresh):
    kill_when(fresh, STAGES["training"])
    said = fresh.succeed("train")
    assert "resumed after epoch" in said


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_no_half_file_and_goes_on(fresh, stop):
    with (fresh.folder / "stopped.log").open("wb") as log:
        run = subprocess.Popen(
            fresh.command("sample_in_sample"), cwd=fresh.folder, env=environment(), stdout=log, stderr=log
        )
        while not list((fresh.folder / "results").glob("shards/base-*/*/*/*.parquet")):
            assert run.poll() is None, (fresh.folder / "stopped.log").read_text()
            time.sleep(0.02)
        run.send_signal(stop)
        try:
            assert run.wait(timeout=60) != 0
        except subprocess.TimeoutExpired:
            # Snakemake's handler waits for a lock that its own main thread may hold (seen in 9.27).
            run.kill()
            run.wait()
    fresh.succeed("--unlock")
    shard = fresh.shard("tuned-seed1", "stag_hunt", "business")
    fresh.succeed(shard)
    assert not list(fresh.folder.rglob("results/**/.*.parquet.*"))
