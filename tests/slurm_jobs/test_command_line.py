"""What SLURM is asked for, as the executor plugin writes its command, and what docs/slurm.md says of other sites."""

import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from snakemake.iocontainers import ResourceList
from snakemake.jobs import GroupJob
from snakemake.logging import logger
from snakemake.resources import Resources
from snakemake_executor_plugin_slurm.partitions import get_best_partition, read_partition_file
from snakemake_executor_plugin_slurm.submit_string import get_submit_command
from snakemake_executor_plugin_slurm.utils import set_gres_string
from snakemake_executor_plugin_slurm_jobstep import get_cpu_setting, get_gpu_setting

from tom.core.snakemake_internals import count_a_load_once
from tom.slurm.job_resources import cpus, gpus, load_seconds, memory_mb, minutes, work_seconds

ROOT = Path(__file__).resolve().parents[2]
PROFILE = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
TEACHER = {"engine": "vllm", "precision": "bfloat16", "gpus": 4, "billions": 70, "source": "hub"}
STUDENT = {"engine": "transformers", "precision": "nf4", "gpus": 1, "billions": 7, "source": "hub"}
STUDENT |= {"compute_dtype": "bfloat16"}
PARAMS = {
    "run_uuid": "run",
    "slurm_logfile": "log",
    "comment_str": "rule",
    "account": "",
    "partition": "",
    "workdir": "",
}


def job(model: dict, work: str = "sample", **resources) -> SimpleNamespace:
    """A job that holds a model, as the executor sees it. resources: in place of what the workflow asks for."""
    seconds = work_seconds(model, work, replies=300, reply_tokens=160)
    asked = {
        **{name: value for name, value in PROFILE["default-resources"].items() if isinstance(value, int)},
        "gpu": gpus(model, work),
        "cpus_per_task": cpus(model, work, threads=1),
        "mem_mb": memory_mb(model, work),
        "runtime": minutes(load_seconds(model) + seconds),
        "work_seconds": int(seconds),
        "nodes": 1,
        "engine": 1,
    }
    asked |= resources
    dag = SimpleNamespace(workflow=SimpleNamespace(local_exec=False))
    return SimpleNamespace(name=work, threads=1, resources=ResourceList(fromdict=asked), pipe_group=None, dag=dag)


def command(asked) -> list[str]:
    """The words of the sbatch command that the plugin writes."""
    return shlex.split(get_submit_command(asked, PARAMS) + set_gres_string(asked))


def partition(asked) -> str | None:
    """Where the plugin sends a job, with the partitions as they are shipped."""
    return get_best_partition(read_partition_file(ROOT / PROFILE["slurm-partition-config"]), asked, logger)


def test_a_teacher_on_four_gpus_is_one_task_of_one_node_with_cpus_for_its_processes():
    words = command(job(TEACHER))
    assert {"--gpus=4", "--nodes=1", "--cpus-per-task=10"} <= set(words)
    assert not [word for word in words if word.startswith(("--ntasks", "--gres"))]
    assert words[words.index("--mem") + 1] == str(memory_mb(TEACHER, "sample"))
    assert partition(job(TEACHER)) == "gpu"


def test_the_step_has_the_cpus_and_gpus_of_its_allocation():
    assert get_cpu_setting(job(TEACHER), "4") == "--cpus-per-task=10"
    assert get_gpu_setting(job(TEACHER)) == "--gpus=4"


def test_a_model_without_a_gpu_has_its_threads_on_a_cpu_node():
    alone = job(STUDENT | {"gpus": 0})
    assert {"--cpus-per-task=1", "--ntasks=1"} <= set(command(alone))
    assert not [word for word in command(alone) if word.startswith("--gpus")]
    assert partition(alone) == "cpu"


def test_a_group_of_shards_asks_for_the_time_of_one_load(monkeypatch):
    monkeypatch.setattr(GroupJob, "resources", GroupJob.resources)  # restored after the test
    count_a_load_once()
    shards = [job(TEACHER) for _ in range(20)]
    group = GroupJob.__new__(GroupJob)
    group._resources, group._jobs, group._toposorted = None, shards, [shards]
    group.global_resources = Resources.from_mapping({"engine": 1})
    work = shards[0].resources["work_seconds"]
    load = 60 * shards[0].resources["runtime"] - work
    assert 0 <= 60 * group.resources["runtime"] - (load + 20 * work) < 60
    assert {name: group.resources[name] for name in ("gpu", "cpus_per_task", "mem_mb")} == {
        name: shards[0].resources[name] for name in ("gpu", "cpus_per_task", "mem_mb")
    }


def test_fifty_jobs_of_seconds_ask_for_the_cpus_and_the_memory_of_four(monkeypatch):
    monkeypatch.setattr(GroupJob, "resources", GroupJob.resources)  # restored after the test
    count_a_load_once()  # they load nothing, so none of their time is left out
    replay = job(STUDENT)
    seconds = {"runtime": 1, "work_seconds": 2}
    replay.resources = PROFILE["default-resources"] | {"_cores": 1, "mem_mb": 500} | seconds
    replays = [replay] * 53
    group = GroupJob.__new__(GroupJob)
    group._resources, group._jobs, group._toposorted = None, replays, [replays]
    limits = dict(entry.split("=") for entry in PROFILE["resources"])
    group.global_resources = Resources.from_mapping({name: int(limit) for name, limit in limits.items()})
    found = {name: group.resources[name] for name in ("_cores", "mem_mb", "runtime")}
    assert found == {"_cores": 4, "mem_mb": 4 * 500, "runtime": 14}


# What docs/slurm.md says of sites that ask for GPUs in other words.


def documented(value: str) -> dict:
    """The example of docs/slurm.md in which a word stands, as a profile's set-resources."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/slurm.md").read_text(), re.DOTALL)
    (found,) = [yaml.safe_load(block) for block in blocks if value in block]
    return found["set-resources"]


@pytest.mark.parametrize("word", ["gpu_model", "gres"])
def test_an_example_names_every_rule_that_may_ask_for_a_gpu(word):
    rules = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    holding = set()
    for name, body in re.findall(r"^ *rule (\w+):\n(.*?)(?=^ *rule |\Z)", rules, re.MULTILINE | re.DOTALL):
        found = re.search(r'\*\*model_resources\(.*"(train|sample|convert|merge)"', body)
        if found and gpus(STUDENT, found[1]):
            holding.add(name)
    assert documented(word).keys() == holding


def test_a_type_of_gpu_is_asked_for_with_their_number():
    asked = job(TEACHER, **documented("gpu_model")["sample_shard"])
    assert {"--gpus=h100:4", "--qos=gpu"} <= set(command(asked))
    assert command(asked)[command(asked).index("-C") + 1] == "nvlink"
    assert partition(asked) == "gpu"


def test_a_type_of_gpu_by_default_would_give_every_table_a_gpu():
    table = SimpleNamespace(name="table", threads=1, resources=ResourceList(fromdict={"gpu_model": "h100"}))
    assert "--gpus=h100:1" in command(table)


def test_a_site_that_knows_gres_alone_is_asked_for_nothing_else():
    parsed = Resources.parse(
        [f"{name}={value}" for name, value in documented("gres")["sample_shard"].items()], allow_expressions=True
    )
    for model, number in (("teacher", 4), ("base", 1)):
        given = {
            name: each.evaluate(SimpleNamespace(model=model), *[None] * 5).value if each.is_evaluable() else each.value
            for name, each in parsed.items()
        }
        asked = job(TEACHER, **given)
        assert f"--gres=gpu:{number}" in command(asked)
        assert not [word for word in command(asked) if word.startswith(("--gpus", "--ntasks"))]
        assert "--cpus-per-task=10" in command(asked)
        assert partition(asked) == "gpu"
        # The step has all of its allocation's GPUs then.
        assert get_gpu_setting(asked) == ""
