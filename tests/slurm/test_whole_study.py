"""The whole study on the cluster: where its jobs ran, and how often each model was loaded."""

import re

import polars as pl
import yaml
from snakemake.utils import update_config
from study import BASE, CONFIGFILES, GROUPS, IN_SAMPLE, NOT_TAUGHT, TEACHER, TUNED

from tom.config.study import cells_of
from tom.page.durations import jobs_of, total_durations


def partitions(said: str) -> dict[str, str]:
    """Partition of each job by its name, from the run's log."""
    return {name: where for where, name in re.findall(r"Auto-selected partition '(\w+)' for job (\S+)", said)}


def test_what_holds_a_model_ran_on_gpu_nodes_and_the_rest_on_cpu_nodes(finished):
    found = partitions((finished.project.folder / "run-0.log").read_text())
    on_gpus = {name.split("_")[0] for name, where in found.items() if where == "gpu"}
    elsewhere = {name.split("_")[0] for name, where in found.items() if where == "cpu"}
    assert on_gpus == {"convert", "train", *(f"sample-{group}" for group in GROUPS.values())}
    assert elsewhere == {"report"}


def test_shards_of_one_model_share_an_allocation_and_a_load(finished):
    cells = sum(map(len, (IN_SAMPLE | NOT_TAUGHT).values()))
    for model in (TEACHER, BASE, TUNED):
        logs = [log.read_text() for log in (finished.results / "logs" / "sample" / model).glob("*.log")]
        assert len(logs) == cells
        assert sum("resident engine started" in log for log in logs) == 1


def test_each_stage_that_holds_a_model_has_gpu_seconds_and_no_other_has(finished):
    config = {}
    for name in CONFIGFILES:
        update_config(config, yaml.safe_load((finished.project.folder / name).read_text()))
    asked = [
        {"split": split, "model": model, "game": game, "context": context}
        for split, cells in config["splits"].items()
        for game, context in (cells_of(cells) if cells else ())
        for model in (TEACHER, BASE, TUNED)
    ]
    stages = total_durations(jobs_of(pl.DataFrame(asked), config), finished.results)
    assert stages.filter(pl.col("gpu_seconds") > 0)["stage"].to_list() == [
        "convert",
        *(f"sample {model}" for model in (BASE, TEACHER, TUNED)),
        "train",
    ]
    assert stages.filter(pl.col("timed") < pl.col("jobs")).is_empty()
    loading = stages.filter(pl.col("gpu_load_seconds") > 0)
    assert loading["stage"].to_list() == [*(f"sample {model}" for model in (BASE, TEACHER, TUNED)), "train"]
    assert loading.filter(pl.col("gpu_load_seconds") >= pl.col("gpu_seconds")).is_empty()


def test_a_second_run_finds_nothing_to_do(finished):
    assert "Nothing to be done" in finished.succeed()
