"""How SLURM ended a failed job. Snakemake drops the state of a group's job, which a crashed node leaves in no log."""

import logging
import subprocess

ASKING_SECONDS = 60


class SayEnding(logging.Handler):
    """Behind each error of a submitted job: its state, reason and node, asked for while the controller knows them."""

    def emit(self, record: logging.LogRecord) -> None:
        job = getattr(record, "external_jobid", None)
        if job:
            logging.getLogger(record.name).error(ending(job))


def ending(job: str) -> str:
    """What SLURM says of a job, or why it can't be known."""
    command = ["squeue", "--noheader", "--states=all", f"--jobs={job}", "--format=%T on %N (%r)"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASKING_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"SLURM job {job}: state unknown ({type(error).__name__})"
    return f"SLURM job {job}: {done.stdout.strip() or f'state unknown ({done.stderr.strip()})'}"
