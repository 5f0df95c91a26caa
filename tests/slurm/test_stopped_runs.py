"""Snakemake itself is stopped or killed: what its jobs had finished is kept, nobody writes twice, and it goes on."""

import signal
import subprocess

import pytest
from study import BASE, TUNED
from test_failing_jobs import check_recovery, first_shard, kept

STOP_SECONDS = 120


def test_a_killed_run_leaves_jobs_that_the_next_one_ends(study, finished):
    targets = study.forget(BASE, TUNED)
    with study.running(*targets) as run:
        first_shard(run, BASE)
        # Held up, so that it is still there when the next run begins.
        run.process_of(BASE, "serve_engine.py").suspend()
        left = run.job(BASE)
        run.process.kill()
        run.process.wait()
    assert left in study.cluster.jobs("R")
    before = kept(study, study.shards(BASE))
    study.succeed("--unlock")
    said = study.succeed(*targets)
    assert "ending jobs of an earlier run" in said and left in said
    assert study.cluster.jobs("CA")[left] == "CANCELLED"
    assert kept(study, list(before)) == before
    study.check_same(finished)
    assert "Nothing to be done" in study.succeed(*targets)


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
