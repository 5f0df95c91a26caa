"""Finished runs of the whole workflow, which the tests here copy and then disturb; all workers share them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from project import Project

from tom.config.studies import BY_NAME

RUNS = "TOM_TRANSFER_TEST_RUNS"
"""The environment variable that names a folder for the finished runs, which several calls of pytest may share."""
TESTED_ELSEWHERE = {
    "breadth": "test_many_games.py",
    "compare": "test_compare.py",
    "compare_prompt_formats": "test_live_teacher.py",
    "compare_training_targets": "test_live_teacher.py",
    "response_curves": "test_payoff_scales.py",
}
"""Studies that tiny.yaml has not what they need for → the tests that run them."""
STUDIES = tuple(sorted(set(BY_NAME) - set(TESTED_ELSEWHERE)))


def shared(tmp_path_factory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first worker that asks for it makes, and that nobody changes."""
    root = Path(os.environ.get(RUNS) or tmp_path_factory.getbasetemp())
    if root.name.startswith("popen-"):
        root = root.parent
    folder = root / f"shared-{name}"
    finished = folder.with_suffix(".finished")
    with FileLock(f"{folder}.lock"):
        # Made where it stays: models of a folder are linked by their absolute paths.
        if not finished.exists():
            make(folder)
            finished.touch()
    return folder


@pytest.fixture(scope="session")
def prepared(tmp_path_factory, tiny_folder) -> Project:
    """A project of tiny.yaml whose student is fetched and quantised."""
    return Project(
        shared(tmp_path_factory, "prepared", lambda folder: Project.create(folder, tiny_folder).succeed("prepare"))
    )


@pytest.fixture(scope="session")
def finished(tmp_path_factory, prepared) -> Project:
    """A finished run of tiny.yaml."""
    return Project(shared(tmp_path_factory, "run", lambda folder: prepared.copy(folder).succeed()))


@pytest.fixture(scope="session")
def studied(tmp_path_factory, finished) -> Project:
    """The finished run with all STUDIES and its page."""
    return Project(
        shared(tmp_path_factory, "studies", lambda folder: finished.copy(folder).succeed(*STUDIES, "paper", "report"))
    )


@pytest.fixture
def project(finished, tmp_path) -> Project:
    return finished.copy(tmp_path / "project")


@pytest.fixture
def unasked(prepared, tmp_path) -> Project:
    """A project in which no model was asked or trained; the student is there."""
    return prepared.copy(tmp_path / "project")


@pytest.fixture
def fresh(tiny_folder, tmp_path) -> Project:
    return Project.create(tmp_path / "project", tiny_folder)
