"""Snakemake from a process that has already imported it: its imports cost a dry run more than half of its time.

Each run is a fork, with the arguments, folder, environment, output and exit status of a process of its own. Only
Snakemake and its plugins are imported before: the code of a workflow is that of its own folder.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class WarmSnakemake:
    """A process that forks a Snakemake for each run, one at a time; it ends with the process that made it."""

    def __init__(self, environment: Mapping[str, str], python: Path = Path(sys.executable)) -> None:
        """python: what jobs are told to run as Python."""
        self.python = python
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(environment)
        )

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess:
        """As `subprocess.run` of `python -m snakemake` with text captured.

        Raises: TimeoutExpired where the run took longer; it was killed.
        """
        with tempfile.TemporaryDirectory(prefix="tom-transfer-run-") as scratch:
            streams = [Path(scratch, name) for name in ("stdout", "stderr")]
            asked = {
                "arguments": list(arguments),
                "folder": str(folder),
                "environment": dict(environment),
                "streams": list(map(str, streams)),
                "python": str(self.python),
                "timeout": timeout,
            }
            self.process.stdin.write(json.dumps(asked) + "\n")
            self.process.stdin.flush()
            status = json.loads(self.process.stdout.readline())
            stdout, stderr = (file.read_text() for file in streams)
        command = [sys.executable, "-m", "snakemake", *arguments]
        if status is None:
            raise subprocess.TimeoutExpired(command, timeout, stdout, stderr)
        return subprocess.CompletedProcess(command, status, stdout, stderr)


def serve() -> None:
    """Import Snakemake, and fork it for each line of standard input."""
    from snakemake import cli

    cli.get_argument_parser()  # imports the plugins
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            take_over(asked)
            # To the end of this process, with what is to be done at its exit.
            sys.exit(cli.main())
        print(json.dumps(status_of(child, asked["timeout"])), flush=True)


def take_over(asked: dict) -> None:
    """Have what a process of this run's own would have."""
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    tempfile.tempdir = None
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, file in enumerate(asked["streams"], start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    sys.path[0] = asked["folder"]
    sys.argv = ["snakemake", *asked["arguments"]]
    sys.executable = asked["python"]


def status_of(child: int, timeout: float) -> int | None:
    """The exit status of a child, or null where it was killed after timeout seconds."""
    deadline = time.monotonic() + timeout
    pause = 0.005
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause)
        pause = min(pause * 1.2, 0.1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


if __name__ == "__main__":
    serve()
