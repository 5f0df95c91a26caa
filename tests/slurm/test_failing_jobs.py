"""Jobs that fail in every way: the run says how, keeps what was finished, and the same command brings the rest."""

import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
from study import BASE, TEACHER, TUNED, Run, Study

OUTAGE_SECONDS = 20
UNTUNED_RULES = ("sample_untuned", "sample_untuned_out_of_sample")
TUNED_RULES = ("sample_tuned", "sample_tuned_out_of_sample")


def kept(study: Study, shards: list[str]) -> dict[str, int]:
    """When each of the shards that are there was written."""
    files = {shard: study.project.folder / shard for shard in shards}
    return {shard: file.stat().st_mtime_ns for shard, file in files.items() if file.exists()}


def first_shard(run: Run, model: str) -> None:
    """Wait until a job of several shards has finished one and works on the next."""
    shards = run.study.shards(model)
    run.until(lambda: kept(run.study, shards), f"a shard of {model}")
    run.until(lambda: run.sampled_at_present(model) - kept(run.study, shards).keys(), f"a second shard of {model}")


def check_recovery(study: Study, targets: list[str], finished: Study) -> None:
    """Run again: what was finished is not done again, and the whole is as an undisturbed run's."""
    before = kept(study, targets)
    study.succeed(*targets)
    assert kept(study, list(before)) == before
    study.check_same(finished)


@contextmanager
def full_disk(folder: Path):
    """Let a folder lie on a disk of one page."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4096", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_cancelled_job_and_one_out_of_memory(study, finished):
    targets = study.forget(BASE, TUNED)
    with study.running(*targets, "--set-resources", *(f"{rule}:mem_mb=150" for rule in TUNED_RULES)) as run:
        first_shard(run, BASE)
        study.cluster.call("scancel", run.job(BASE))
        assert run.wait() != 0
    assert "'CANCELLED'" in run.said()
    assert "exceeded memory limit" in run.said()
    assert kept(study, study.shards(BASE))
    assert not kept(study, study.shards(TUNED))
    check_recovery(study, targets, finished)


def test_a_crashed_node_and_a_time_limit(study, finished):
    targets = study.forget(BASE, TUNED)
    spared, crashed = "gpu1", "gpu2"
    nodes = dict.fromkeys(UNTUNED_RULES, spared) | dict.fromkeys(TUNED_RULES, crashed)
    place = [f"{rule}:slurm_extra='--no-requeue --nodelist={node}'" for rule, node in nodes.items()]
    # Of all shards of the job together.
    limit = [f"{rule}:runtime={minutes}" for rule, minutes in zip(UNTUNED_RULES, (0, 1), strict=True)]
    with study.running(*targets, "--set-resources", *place, *limit) as run, run.held_up(BASE):
        first_shard(run, TUNED)
        assert study.cluster.node_of(run.job(TUNED)) == crashed
        study.cluster.crash_node(crashed)
        assert run.wait() != 0
    study.cluster.start_node(crashed)
    study.cluster.wait(lambda: study.cluster.node_states()[crashed] == "idle", "the node's return")
    for state in ("NODE_FAIL", "TIMEOUT"):
        assert f"'{state}'" in run.said()
    assert kept(study, study.shards(TUNED))
    check_recovery(study, targets, finished)


def test_a_lost_engine_costs_a_load_and_a_full_disk_the_shards_on_it(study, finished):
    targets = study.forget(TEACHER, BASE)
    with full_disk(study.results / "in_sample/shards/base"), study.running(*targets) as run:
        kill_at_work(run, run.process_of(TEACHER, "serve_engine.py"))
        assert run.wait() != 0
    assert "No space left on device" in run.said()
    assert "'FAILED'" in run.said()
    logs = [log.read_text() for log in (study.results / "logs/sample/teacher").glob("*.log")]
    assert any("the engine went away" in log for log in logs)
    assert kept(study, targets).keys() >= set(study.shards(TEACHER))
    assert not any("results/in_sample/shards/base" in shard for shard in kept(study, targets))
    check_recovery(study, targets, finished)


def kill_at_work(run: Run, engine: psutil.Process) -> None:
    """Kill an engine once a shard has connected to it and asks."""
    run.until(lambda: len([c for c in engine.net_connections("unix") if c.laddr.endswith(".socket")]) > 1, "a question")
    time.sleep(0.3)
    engine.kill()


def test_a_training_killed_behind_each_checkpoint_resumes_and_outlives_the_controller(study, finished):
    target = "results/adapters/all/seed1/manifest.json"
    (study.project.folder / target).unlink()
    log = study.results / "logs/train/all-seed1.log"
    log.unlink()
    for number in (1, 2):
        with study.running(target) as run:
            run.until(lambda n=number: log.exists() and f"pass {n}/3" in log.read_text(), f"pass {number}")
            study.cluster.call("scancel", "--signal=KILL", *study.cluster.jobs())
            assert run.wait() != 0
    with study.running(target) as run:
        run.until(lambda: log.exists() and "resumed after pass 2" in log.read_text(), "the last pass")
        study.cluster.stop_controller()
        time.sleep(OUTAGE_SECONDS)
        study.cluster.start_controller()
        assert run.wait() == 0, run.said()
    study.check_same(finished)
