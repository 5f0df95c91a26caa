"""Orphaned jobs of a killed run are ended before the next run starts; tests/slurm tests this on a cluster."""

import pytest

from tom.core.errors import UserError
from tom.slurm import orphaned_jobs
from tom.slurm.orphaned_jobs import end_jobs


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """A folder with fake SLURM commands, first on the path; squeue prints a file."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(orphaned_jobs, "PAUSE_SECONDS", 0)
    write(tmp_path / "squeue", f"cat {tmp_path}/queue")
    (tmp_path / "queue").write_text("7\n8\n9_3\n")
    return tmp_path


def write(file, line: str) -> None:
    file.write_text(f"#!/bin/sh\n{line}\n")
    file.chmod(0o755)


def test_only_unfinished_jobs_are_cancelled(commands):
    write(commands / "scancel", f'echo "$@" > {commands}/cancelled; echo 9 > {commands}/queue')
    assert end_jobs(["5", "7", "8"]) == ["7", "8"]
    assert (commands / "cancelled").read_text() == "7 8\n"


def test_nothing_is_cancelled_if_all_jobs_have_ended(commands):
    assert end_jobs(["5", "6"]) == []


def test_a_job_that_can_not_be_cancelled_is_an_error(commands):
    write(commands / "scancel", "true")
    with pytest.raises(UserError, match="jobs 7 of an earlier run don't end"):
        end_jobs(["7"], patience=0)


def test_a_controller_that_does_not_answer_is_an_error(commands):
    write(commands / "squeue", "echo Unable to contact slurm controller >&2; exit 1")
    with pytest.raises(UserError, match="squeue: Unable to contact"):
        end_jobs(["7"])


def test_without_jobs_slurm_is_not_asked(commands):
    write(commands / "squeue", "exit 1")
    assert end_jobs([]) == []
