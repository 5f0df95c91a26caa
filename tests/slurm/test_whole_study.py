"""The whole study on the cluster: where its jobs ran, and how often each model was loaded."""

import re

from study import BASE, GROUPS, TEACHER, TUNED


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
    for model in (TEACHER, BASE, TUNED):
        logs = [log.read_text() for log in (finished.results / "logs" / "sample" / model).glob("*.log")]
        assert len(logs) == len(finished.shards(model))
        assert sum("resident engine started" in log for log in logs) == 1


def test_a_second_run_finds_nothing_to_do(finished):
    assert "Nothing to be done" in finished.succeed()
