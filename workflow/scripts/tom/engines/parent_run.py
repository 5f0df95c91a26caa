"""The run that an engine works for, named in an environment variable: the engine ends with it.

Inside a SLURM job the run is the Snakemake of that job, not the one that submitted it: an engine holds GPUs of one
allocation, and must end with it.
"""

import os
import socket

VARIABLE = "TOM_TRANSFER_RUN"
# Linux gives a process's start by the wall clock, which may be set while it runs.
CLOCK_STEP_SECONDS = 2.0


def allocation() -> str:
    """The SLURM job that this process runs in; empty outside of one."""
    return os.environ.get("SLURM_JOB_ID", "")


def place() -> str:
    """The machine that this process runs on, and its allocation there, if any."""
    return "/".join(filter(None, (socket.gethostname(), allocation())))


def announce_run() -> None:
    """Name this process as the run, for the jobs it will start; a run inside a run keeps the outer one's name."""
    import psutil

    process = psutil.Process()
    if current_run() is None:
        os.environ[VARIABLE] = f"{place()}:{process.pid}:{process.create_time()}"


def current_run() -> str | None:
    """The run this process works for, or None if none was announced on this machine and in this allocation."""
    name = os.environ.get(VARIABLE)
    return name if name and name.startswith(place() + ":") else None


def is_alive(run: str) -> bool:
    """Whether the process still runs; a later process with the same number doesn't count."""
    import psutil

    _, pid, created = run.rsplit(":", 2)
    try:
        process = psutil.Process(int(pid))
        same = abs(process.create_time() - float(created)) < CLOCK_STEP_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
