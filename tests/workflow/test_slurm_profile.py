"""The profile for SLURM fits the workflow; tests/slurm runs it on a cluster."""

import re
import subprocess
import sys

import pytest
import yaml
from project import REPOSITORY

PROFILE = yaml.safe_load((REPOSITORY / "profiles/slurm/config.yaml").read_text())


@pytest.fixture(scope="module")
def rules() -> set[str]:
    command = [sys.executable, "-m", "snakemake", "--list-rules", "--workflow-profile", "none", "--configfile"]
    said = ""
    # Between them these configs have every rule: a live teacher's and a recorded one's differ.
    for config in ("config/config.yaml", "config/tiny_pair.yaml"):
        said += subprocess.run([*command, config], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^(\w+)(?: \(|$)", said, re.MULTILINE))


def test_every_group_is_of_a_rule_and_has_a_size(rules):
    groups = dict(entry.split("=") for entry in PROFILE["groups"])
    sizes = dict(entry.split("=") for entry in PROFILE["group-components"])
    assert groups.keys() <= rules
    assert set(groups.values()) == sizes.keys()


def test_every_rule_that_samples_shares_allocations(rules):
    sampling = {rule for rule in rules if rule.startswith(("sample_", "ask_"))}
    sampling -= {"sample_in_sample", "sample_endpoint"}
    assert sampling <= dict(entry.split("=") for entry in PROFILE["groups"]).keys()


def test_a_partition_without_gpus_is_left_to_jobs_without():
    partitions = yaml.safe_load((REPOSITORY / PROFILE["slurm-partition-config"]).read_text())["partitions"]
    for limits in partitions.values():
        # The plugin prefers any partition with limits that fit, so another one on a GPU partition draws other jobs.
        assert limits and ("max_gpu" not in limits or limits.keys() == {"max_gpu"})
