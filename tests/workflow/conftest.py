"""One finished run of the whole workflow, which the tests here copy and then disturb."""

import pytest
from project import Project


@pytest.fixture(scope="session")
def finished(tmp_path_factory, tiny_folder) -> Project:
    project = Project.create(tmp_path_factory.mktemp("finished") / "project", tiny_folder)
    project.succeed()
    return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    return finished.copy(tmp_path / "project")


@pytest.fixture
def fresh(tiny_folder, tmp_path) -> Project:
    return Project.create(tmp_path / "project", tiny_folder)
