"""Snakemake itself is stopped or killed: what its jobs had finished is kept, nobody writes twice, and it goes on."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from study import BASE, Run
from test_failing_jobs import check_recovery

STOP_SECONDS = 60


@contextmanager
def in_the_middle(run: Run, before: dict[str, int]) -> Iterator[None]:
    """While it is open, the base student's job has brought a shard more than before, and works on another."""
    run.until(lambda: run.study.kept(BASE).keys() - before.keys(), "a shard")
    with run.held_up(BASE):
        run.until(lambda: run.at_work(BASE), "another shard under way")
        yield


def end(run: Run) -> bool:
    """Wait until a run that was told to stop has done so, and take away the lock that it may have left; did it stop?"""
    try:
        run.process.wait(timeout=STOP_SECONDS)
        stopped = True
    except subprocess.TimeoutExpired:
        # Snakemake's handler waits for a lock that its own main thread may hold (seen in 9.27).
        run.process.kill()
        run.process.wait()
        stopped = False
    if run.study.locked:
        run.study.succeed("--unlock")
    return stopped


def test_a_run_that_is_killed_then_interrupted_then_terminated_goes_on_each_time(study, finished):
    targets = study.forget(BASE)
    # Its engine is stopped so that its job is still there when the next run begins.
    with study.running(*targets) as killed, in_the_middle(killed, {}):
        left = killed.job(BASE)
        killed.process.kill()
        end(killed)
        with study.running(*targets) as interrupted:
            interrupted.until(lambda: study.cluster.jobs("CA").get(left) == "CANCELLED", "the end of the job")
            interrupted.until(lambda: f"ending jobs of an earlier run: {left}" in interrupted.said(), "a word on it")
            first = study.kept(BASE)
            with in_the_middle(interrupted, first):
                job = interrupted.job(BASE)
                interrupted.process.send_signal(signal.SIGINT)
                if end(interrupted):
                    study.cluster.wait(lambda: study.cluster.jobs("CA").get(job) == "CANCELLED", "the end of its job")
    second = study.kept(BASE)
    assert 0 < len(first) < len(second) < len(targets)
    assert second.items() > first.items()
    with study.running(*targets) as terminated:
        # Not before: a job of the interrupted run may still be there.
        terminated.until(lambda: "submitted with SLURM jobid" in terminated.said(), "a job")
        with terminated.held_up(BASE):
            terminated.process.send_signal(signal.SIGTERM)
        end(terminated)
    assert study.kept(BASE).items() >= second.items()
    check_recovery(study, targets, finished)
    assert not study.cluster.jobs()
    assert "Nothing to be done" in study.succeed(*targets)
    # What they were made with is known, though the run that asked for them saw none of them finished.
    script = study.project.folder / "workflow/scripts/sample_shard.py"
    script.write_text(script.read_text().replace("\n\n\ndef main", "\nEDITED = True\n\n\ndef main"))
    planned = study.succeed(*first, "--dry-run")
    assert first and all(f"output: {shard}" in planned for shard in first)


def test_an_old_shard_does_not_pass_for_one_whose_job_was_refused(study):
    study.project.edit("resources/contexts/business.yaml", "CEO of a company", "CEO of a firm")
    shard = study.project.shard(BASE, "prisoners_dilemma", "business")
    run = study.run(shard, "--set-resources", "sample_shard:mem_mb=99999999")
    assert run.process.returncode != 0
    assert "sbatch failed" in run.said()
    assert not (study.project.folder / shard).exists()
