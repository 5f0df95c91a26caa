"""Machines that lack something: a run works, or ends with one line that says what to mend."""

import re
import subprocess
from pathlib import Path

import pytest
from project import REPOSITORY, Project, environment

NO_HOME = {"HOME": "/dev/null/home"}


@pytest.fixture
def here(tmp_path) -> Project:
    folder = Project.create(tmp_path / "project", REPOSITORY / "resources" / "tiny_pair" / "student").folder
    return Project(folder, ("config/config.yaml",))


def run(project: Project, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """A run with environment variables."""
    command = project.command(*arguments)
    return subprocess.run(command, cwd=project.folder, env=environment() | variables, capture_output=True)


def test_a_terminal_of_ascii_a_home_that_cannot_be_written_and_a_slash_at_the_end_of_results(here, tmp_path):
    ascii_alone = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = run(
        here, "paper", "--config", "results=a/b/", XDG_CACHE_HOME=str(tmp_path / "cache"), **NO_HOME, **ascii_alone
    )
    said = (done.stdout + done.stderr).decode("ascii")
    assert done.returncode == 0, said
    assert "warn" not in said.lower() and "Traceback" not in said
    assert "arXiv" in (here.folder / "a" / "b" / "main" / "paper" / "paper.md").read_text(encoding="utf-8")


def test_a_cache_that_cannot_be_written_is_named_and_the_traceback_kept(here, tmp_path):
    done = run(here, "prepare", "--config", "cache=/dev/null/cache", XDG_CACHE_HOME=str(tmp_path), **NO_HOME)
    said = (done.stdout + done.stderr).decode()
    line = (
        r"^error: /dev/null/cache/\w+: Not a directory; name another folder \(results and cache .*\(traceback: (\S+)\)$"
    )
    (kept,) = set(re.findall(line, said, re.MULTILINE))
    assert done.returncode != 0 and "most recent call last" not in said
    assert "most recent call last" in (here.folder / Path(kept)).read_text()
    assert (here.folder / "results/logs/tracebacks").is_dir()


def test_results_that_can_be_no_folder_end_the_run_at_once(here):
    done = run(here, "--config", "results=Snakefile/x")
    said = (done.stdout + done.stderr).decode()
    assert done.returncode != 0 and "Next:" not in said and "most recent call last" not in said
    assert "results: 'Snakefile/x': " in said and "Snakefile is no folder" in said
