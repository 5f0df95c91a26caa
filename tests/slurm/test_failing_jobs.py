"""Jobs that fail in every way: the run says how, keeps what was finished, and the same command brings the rest."""

import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from study import BASE, TEACHER, TUNED, Run, Study

OUTAGE_SECONDS = 20
CHECKPOINTS = 4  # two epochs and two gauss_newton_steps (study.yaml)


def check_recovery(study: Study, targets: list[str], finished: Study) -> None:
    """Run again: what was finished is not done again, and the whole is as an undisturbed run's."""
    before = study.kept(TEACHER, BASE, TUNED)
    study.succeed(*targets)
    after = study.kept(TEACHER, BASE, TUNED)
    assert {shard: after[shard] for shard in before} == before
    study.check_same(finished)


def for_model(resource: str, model: str, value: object, others: object) -> str:
    """What the shards of one model ask for, and those of the others, as an argument of --set-resources."""
    return f"sample_shard:{resource}={value} if wildcards.model == '{model}' else {others}"


@contextmanager
def full_disk(folder: Path):
    """Let a folder lie on a disk of one page."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4096", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def damaged(file: Path):
    """Let a file have other bytes for a while."""
    whole = file.read_bytes()
    file.write_bytes(bytes(len(whole)))
    try:
        yield
    finally:
        file.write_bytes(whole)


def test_one_fault_after_another_costs_the_shard_under_way_and_leaves_nothing_half_written(study, finished):
    targets = study.forget(TEACHER, BASE, TUNED)
    lose_an_engine_a_job_and_a_node(study, targets)
    run_out_of_disk_and_memory(study)
    check_recovery(study, targets, finished)


def lose_an_engine_a_job_and_a_node(study: Study, targets: list[str]) -> None:
    """The teacher's engine is killed, the base student's job cancelled, and the tuned student's node crashes."""
    spared, crashed = "gpu1", "gpu2"
    place = for_model("slurm_extra", TUNED, *(f"'--no-requeue --nodelist={node}'" for node in (crashed, spared)))
    study.kill_later("serve_engine.py", f"/models/{study.store.source_key(TEACHER)}/")
    with study.running(*targets, "--set-resources", place) as run:
        faults = {
            BASE: lambda: study.cluster.call("scancel", run.job(BASE)),
            TUNED: lambda: study.cluster.crash_node(crashed),
        }
        while faults:
            ready = run.until(lambda: [model for model in faults if run.at_work(model)], f"work for {list(faults)}")
            faults.pop(ready[0])()
        assert run.wait() != 0
    study.cluster.start_node(crashed)
    study.cluster.wait(lambda: study.cluster.node_states()[crashed] == "idle", "the node's return")
    for state in ("CANCELLED", "NODE_FAIL"):
        assert f"'{state}'" in run.said()
    for model in (BASE, TUNED):
        assert 0 < len(study.kept(model)) < len(study.shards(model))
    assert len(study.kept(TEACHER)) == len(study.shards(TEACHER))
    logs = [log.read_text() for log in (study.results / "logs/sample" / study.sampled(TEACHER)).rglob("*.log")]
    assert sum("no resident engine: the engine went away" in log for log in logs) == 1


def run_out_of_disk_and_memory(study: Study) -> None:
    """Ask for what the students' jobs left out: no room on the base student's disk, no memory for the tuned student."""
    memory = for_model("mem_mb", TUNED, 150, 4000)
    missing = {model: [one for one in study.shards(model) if one not in study.kept(model)] for model in (BASE, TUNED)}
    # Not of one game alone: Snakemake removes a game's empty folder, and could not if it were a disk's root.
    folder = Path(missing[BASE][0]).parents[1]
    with (
        full_disk(study.project.folder / folder),
        study.running(*missing[BASE], *missing[TUNED], "--set-resources", memory) as run,
    ):
        assert run.wait() != 0
    assert "No space left on device" in run.said()
    assert "'FAILED'" in run.said()
    assert "exceeded memory limit" in run.said()
    assert not [shard for shard in missing[BASE] if shard in study.kept(BASE) and Path(shard).parents[1] == folder]
    assert not study.kept(TUNED).keys() & set(missing[TUNED])


def test_a_time_limit_and_a_failing_shard_leave_others_alone_and_so_does_what_befalls_a_training(
    study, finished, tmp_path
):
    targets = study.forget(TEACHER, BASE, TUNED)
    # One minute for the teacher's job, which is stopped until then: a job's time is the sum of its shards'.
    limits = for_model("runtime", TEACHER, "int(wildcards.game == 'public_goods')", 10)
    file = study.project.folder / study.project.adapter() / "adapter/adapter_model.safetensors"
    with damaged(file), study.running(*targets, "--set-resources", limits) as run, run.held_up(TEACHER):
        # On a busy machine the minute may be over first.
        run.until(lambda: settled(run) or run.process.poll() is not None, "the end of the other jobs")
        train_through_kills_and_an_outage(finished.copy(tmp_path / "training"), finished)
        assert run.wait() != 0
    assert "'TIMEOUT'" in run.said()
    assert f"error: {file.relative_to(study.project.folder)}" in run.said()
    assert len(study.kept(BASE)) == len(study.shards(BASE))
    assert not study.kept(TEACHER, TUNED)
    check_recovery(study, targets, finished)


def settled(run: Run) -> bool:
    """Whether the tuned student's job has failed, and that of the base student has brought all its shards and gone."""
    whole = len(run.study.kept(BASE)) == len(run.study.shards(BASE))
    return whole and "'FAILED'" in run.said() and len(run.study.cluster.jobs()) == 1


def train_through_kills_and_an_outage(study: Study, finished: Study) -> None:
    """Train anew, killed behind each checkpoint but the last; the controller is away while the last try trains."""
    trained = f"{study.project.adapter()}/manifest.json"
    (study.project.folder / trained).unlink()
    kills = CHECKPOINTS - 1
    study.kill_later("train_adapter.py", times=kills)
    with study.running(trained, "--retries", str(kills)) as run:
        run.until(lambda: run.said().count("Trying to restart") == kills, "the last try")
        run.until(lambda: next(run.running(None, "train_adapter.py"), None), "its training")
        study.cluster.stop_controller()
        time.sleep(OUTAGE_SECONDS)
        study.cluster.start_controller()
        assert run.wait() == 0, run.said()
    log = (study.results / f"logs/train/{study.store.student().key}-seed1.log").read_text()
    assert "resumed after epoch 2" in log and "resumed after Gauss-Newton step 1" in log
    study.check_same(finished)
