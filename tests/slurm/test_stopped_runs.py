"""Snakemake itself is stopped or killed: what its jobs had finished is kept, nobody writes twice, and it goes on."""

import signal
import subprocess

import pytest
from study import BASE, TUNED
from test_failing_jobs import UNTUNED_RULES, check_recovery, first_shard, kept

STOP_SECONDS = 120


def test_a_killed_run_leaves_jobs_that_the_next_one_ends(study, finished):
    targets = study.forget(BASE, TUNED)
    with study.running(*targets) as run:
        first_shard(run, BASE)
        # So that its job is still there when the next run begins.
        with run.held_up(BASE):
            left = run.job(BASE)
            run.process.kill()
            run.process.wait()
            study.succeed("--unlock")
            before = kept(study, study.shards(BASE))
            said = study.succeed(*targets)
    assert f"ending jobs of an earlier run: {left}" in said
    assert study.cluster.jobs("CA")[left] == "CANCELLED"
    assert kept(study, list(before)) == before
    study.check_same(finished)
    assert "Nothing to be done" in study.succeed(*targets)
    # What they were made with is known, though the run that asked for them saw none of them finished.
    study.project.edit("study.yaml", "observations: 20", "observations: 21")
    planned = study.succeed(*before, "--dry-run")
    assert before and all(f"output: {shard}" in planned for shard in before)


def test_an_old_shard_does_not_pass_for_one_whose_job_was_refused(study):
    study.project.edit("study.yaml", "observations: 20", "observations: 21")
    run = study.run(*study.shards(BASE), "--set-resources", *(f"{rule}:mem_mb=99999999" for rule in UNTUNED_RULES))
    assert run.process.returncode != 0
    assert "sbatch failed" in run.said()
    assert not kept(study, study.shards(BASE))


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_goes_on(study, finished, stop):
    targets = study.forget(BASE)
    with study.running(*targets) as run:
        first_shard(run, BASE)
        run.process.send_signal(stop)
        try:
            run.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # Snakemake's handler waits for a lock that its own main thread may hold (seen in 9.27).
            run.process.kill()
            run.process.wait()
    study.succeed("--unlock")
    check_recovery(study, targets, finished)
    assert not study.cluster.jobs()
