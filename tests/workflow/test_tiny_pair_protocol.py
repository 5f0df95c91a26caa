"""The paper's whole protocol, motivations included, on the tiny pair: what it brings about is read from its results."""

import pytest
from pair_run import check_protocol, run_pair
from project import Project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_folder) -> tuple[Project, str]:
    return run_pair(tmp_path_factory.mktemp("pair") / "project", tiny_folder)


def test_the_student_learns_choices_and_motivations(finished):
    project, said = finished
    check_protocol(project, "transformers", said)


def test_a_second_run_finds_nothing_to_do(finished):
    project, _ = finished
    assert not project.plan()
