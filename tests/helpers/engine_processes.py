"""Resident engines of a test run: they live in a folder of their own and are killed with it."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


def servers(folder: Path) -> set[int]:
    """Process ids of the engines under a folder."""
    found = psutil.process_iter(["pid", "cmdline"])
    return {
        process.info["pid"] for process in found if any(str(folder) in word for word in process.info["cmdline"] or [])
    }


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether the condition came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def private_engines() -> Iterator[Path]:
    """Engines live under a new folder, whose path is short as a socket's must be; they are killed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tom-", dir="/tmp"))
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        for pid in servers(folder):
            psutil.Process(pid).kill()
        shutil.rmtree(folder)
