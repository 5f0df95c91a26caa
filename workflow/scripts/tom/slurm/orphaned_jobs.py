"""Orphaned SLURM jobs of a killed run: they may still write files, so the next run ends them before its own start."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterable

from tom.core.errors import UserError

ASKING_SECONDS = 60
PATIENCE_SECONDS = 180
PAUSE_SECONDS = 1.0


def end_jobs(jobs: Iterable[str], patience: float = PATIENCE_SECONDS) -> list[str]:
    """Cancel those of the jobs that are pending or running, wait until they are gone, and return them.

    patience: in seconds. Errors: UserError if the controller does not answer, or if jobs remain after `patience`, since
    two jobs could then write the same file.
    """
    if not jobs or shutil.which("squeue") is None:
        return []
    ended = under_way(jobs)
    if ended:
        print(f"ending jobs of an earlier run: {', '.join(ended)}", file=sys.stderr, flush=True)
        _ask("scancel", *ended)
    deadline = time.monotonic() + patience
    while left := under_way(ended):
        if time.monotonic() > deadline:
            raise UserError(f"jobs {', '.join(left)} of an earlier run don't end: scancel {' '.join(left)}")
        time.sleep(PAUSE_SECONDS)
    return ended


def under_way(jobs: Iterable[str]) -> list[str]:
    """The jobs among these that SLURM has not finished, including those that are completing."""
    return sorted(set(jobs) & set(_ask("squeue", "--me", "--noheader", "--format=%i").split()))


def _ask(*command: str) -> str:
    """The output of a SLURM command. Errors: UserError if it fails or does not answer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASKING_SECONDS)
    except subprocess.TimeoutExpired:
        raise UserError(f"{command[0]}: no answer within {ASKING_SECONDS} s") from None
    if done.returncode:
        raise UserError(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout
