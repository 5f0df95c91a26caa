"""The run that an engine works for: once that process is gone, the engine goes too."""

import os
import socket

import psutil

VARIABLE = "TOM_TRANSFER_RUN"
# Linux computes a process's start from the wall clock, which may be set meanwhile.
CLOCK_STEP_SECONDS = 2.0


def announce_run() -> None:
    """Name this process as the run, for the jobs it will start; a run inside a run keeps the outer one's name."""
    process = psutil.Process()
    os.environ.setdefault(VARIABLE, f"{socket.gethostname()}:{process.pid}:{process.create_time()}")


def current_run() -> str | None:
    """The run this process works for, or None if nobody announced one on this machine."""
    name = os.environ.get(VARIABLE)
    return name if name and name.startswith(socket.gethostname() + ":") else None


def is_alive(run: str) -> bool:
    """Whether the process still runs; a later process with the same number doesn't count."""
    _, pid, created = run.rsplit(":", 2)
    try:
        process = psutil.Process(int(pid))
        same = abs(process.create_time() - float(created)) < CLOCK_STEP_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
