"""The whole study on the cluster: where its jobs ran, and how often each model was loaded."""

import re
import shlex
from collections import Counter

import polars as pl
from study import BASE, IN_SAMPLE, NOT_TAUGHT, TEACHER, TUNED

from tom.page.durations import jobs_from_words, total_durations

MODELS = (BASE, TEACHER, TUNED)


def partitions(said: str) -> list[tuple[str, str]]:
    """(job's name, partition) of each job, from the run's log."""
    return [(name, where) for where, name in re.findall(r"Auto-selected partition '(\w+)' for job (\S+)", said)]


def test_what_holds_a_model_ran_on_gpu_nodes_and_the_rest_on_cpu_nodes(finished):
    found = partitions((finished.project.folder / "run-0.log").read_text())
    on_gpus = sorted(name.partition("_")[0] for name, where in found if where == "gpu")
    elsewhere = {name.partition("_")[0] for name, where in found if where == "cpu"}
    # Choices and numbers of one model are asked in two ways, by the same weights: they share an allocation.
    # The student is quantised; the teacher has its weights as they came.
    assert on_gpus == ["convert", *(f"sample-{finished.sampled(model)}" for model in MODELS), "train"]
    assert elsewhere == {"convert", "report"}


def test_shards_of_one_model_share_an_allocation_and_a_load(finished):
    for model in MODELS:
        folder = finished.results / "logs" / "sample" / finished.sampled(model)
        logs = [log.read_text() for log in folder.rglob("*.log")]
        assert len(logs) == len(IN_SAMPLE + NOT_TAUGHT)
        assert sorted(asking.name.partition("-")[0] for asking in folder.iterdir()) == ["choice", "public_goods"]
        assert sum("resident engine started" in log for log in logs) == 1


def test_each_job_that_holds_a_model_computed_on_a_gpu_that_slurm_gave_it(finished):
    logs = [log for kind in ("sample", "train") for log in (finished.results / "logs" / kind).rglob("*.log")]
    assert len(logs) == 3 * len(IN_SAMPLE + NOT_TAUGHT) + 1
    assert all(re.search(r"\bon GPU [01] \(Fake A100\)$", log.read_text(), re.MULTILINE) for log in logs)


def test_each_stage_that_holds_a_model_has_gpu_seconds_and_no_other_has(finished):
    planned = finished.succeed("report", "--dry-run", "--printshellcmds")
    words = re.search(r"--logs \S+ (--jobs .*) --outdated", planned)[1]
    jobs = [jobs_from_words(shlex.split(one)) for one in words.split("--jobs ")[1:]]
    stages = total_durations(jobs, finished.results / "benchmarks", finished.results / "logs")
    sampling = {f"sample {model}" for model in MODELS}
    assert set(stages.filter(pl.col("gpu_seconds") > 0)["stage"]) == {"convert", "train"} | sampling
    assert stages.filter(pl.col("timed") < pl.col("jobs")).is_empty()
    loading = stages.filter(pl.col("gpu_load_seconds") > 0)
    assert set(loading["stage"]) == {"train"} | sampling
    assert loading.filter(pl.col("gpu_load_seconds") >= pl.col("gpu_seconds")).is_empty()


def test_models_on_this_machine_train_and_answer_byte_for_byte_alike(study, finished):
    adapter = f"{study.project.adapter()}/manifest.json"
    (study.project.folder / adapter).unlink()
    study.project.succeed(adapter, *study.forget(*MODELS))
    study.check_same(finished)


def test_each_job_of_a_study_is_known_by_its_path_alone(finished):
    # As a job on the cluster is asked for, in a process that knows the targets of no study.
    local = finished.project
    planned = dict(map(reversed, local.planned_jobs("validate", "precision_drift", "controls", "labels", "collateral")))
    made = [file for file, rule in planned.items() if rule in ("sample_shard", "ask_model")]
    plan = local.plan(*made)
    assert {rule: plan[rule] for rule in ("sample_shard", "ask_model")} == Counter(planned[file] for file in made)


def test_a_second_run_finds_nothing_to_do(finished):
    assert "Nothing to be done" in finished.succeed()
