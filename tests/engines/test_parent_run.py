"""The run that an engine works for: known by machine, number and start, and gone when its process is."""

import os
import socket
import subprocess
import sys
import time

import psutil
import pytest

from tom.engines.parent_run import VARIABLE, announce_run, current_run, is_alive


def name_of(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}:{psutil.Process(pid).create_time()}"


@pytest.fixture(autouse=True)
def no_run_announced(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_without_a_run_there_is_none():
    assert current_run() is None


def test_the_announced_run_is_this_process_and_alive(monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.delenv(VARIABLE)
    announce_run()
    assert current_run() == name_of(os.getpid())
    assert is_alive(current_run())


def test_a_run_inside_a_run_keeps_the_outer_ones_name(monkeypatch):
    monkeypatch.setenv(VARIABLE, f"{socket.gethostname()}:1:2.5")
    announce_run()
    assert current_run() == f"{socket.gethostname()}:1:2.5"


def test_a_child_knows_its_run(monkeypatch, root):
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.delenv(VARIABLE)
    announce_run()
    code = "from tom.engines.parent_run import *; print(current_run(), is_alive(current_run()))"
    monkeypatch.setenv("PYTHONPATH", str(root / "workflow" / "scripts"))
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == [name_of(os.getpid()), "True"]


@pytest.mark.parametrize("name", ["elsewhere:1:2.5", f"{socket.gethostname()}x:1:2.5", ""])
def test_a_run_on_another_machine_can_not_be_watched(monkeypatch, name):
    monkeypatch.setenv(VARIABLE, name)
    assert current_run() is None


def test_a_process_that_ended_is_gone(sleeper):
    run = name_of(sleeper.pid)
    assert is_alive(run)
    sleeper.kill()
    sleeper.wait()
    assert not is_alive(run)


def test_a_killed_process_that_nobody_waited_for_is_gone(sleeper):
    run = name_of(sleeper.pid)
    sleeper.kill()
    while psutil.Process(sleeper.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert not is_alive(run)


def test_a_later_process_with_the_same_number_is_another_run(sleeper):
    created = psutil.Process(sleeper.pid).create_time()
    assert not is_alive(f"{socket.gethostname()}:{sleeper.pid}:{created - 3600}")


def test_in_an_allocation_the_run_is_the_allocations_own(monkeypatch):
    announce_run()
    submitter = current_run()
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert current_run() is None
    announce_run()
    inside = current_run()
    assert inside != submitter and is_alive(inside)
    monkeypatch.setenv("SLURM_JOB_ID", "18")
    assert current_run() is None


def test_a_run_inside_an_allocations_run_keeps_the_outer_ones_name(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv(VARIABLE, f"{socket.gethostname()}/17:1:2.5")
    announce_run()
    assert current_run() == f"{socket.gethostname()}/17:1:2.5"
