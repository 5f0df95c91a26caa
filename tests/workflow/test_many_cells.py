"""A study of more cells than a command has room for paths."""

import subprocess

import pytest
from project import REPOSITORY

pytestmark = pytest.mark.slow

LONGEST_ARGUMENT = 128 * 1024
"""Bytes that Linux lets one argument of a command have; a rule's command is one argument of the shell."""


def test_the_commands_of_thousands_of_cells_fit(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    from large_study import environment, make_study, snakemake

    cells = make_study(tmp_path / "study", seeds=1, games=50, contexts=50)
    asked = snakemake("train", "--dry-run", "--printshellcmds", "--workflow-profile", "none")
    done = subprocess.run(asked, cwd=tmp_path / "study", env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    for script in ("gather_shards.py", "train_adapter.py"):
        (command,) = (line for line in lines if f"scripts/{script}" in line)
        assert len(command) < LONGEST_ARGUMENT / 10
    assert (
        len(cells) * len("results/shards/teacher-12345678/choice-12345678/stag_hunt/place1.parquet") > LONGEST_ARGUMENT
    )
