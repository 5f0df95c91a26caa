"""Jobs' scripts from a process that has already imported libraries: of a job's seconds in a test, most are imports.

`WarmPython` makes a folder with a `python` that takes the place of the real one on a run's PATH. Where a script of
`workflow/scripts` is to run with the environment that the libraries were imported in, a fork of that process runs it,
with the caller's arguments, folder, environment and streams. All else is run by the real Python. Only libraries are
imported before: the project's code is read from the script's own folder.

Signals to that `python` reach the fork, which is killed where `python` is killed, and whose exit status it has. Its
process id is another one: tests that look for processes, or that kill them, run the real Python (`Project.command`).
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

READ_AT_IMPORT = (
    "ACCELERATE_",
    "CUDA_VISIBLE",
    "HF_",
    "LD_",
    "MKL_",
    "MPL",
    "NVIDIA",
    "OMP_",
    "OPENBLAS_",
    "POLARS_",
    "PYTHON",
)
READ_AT_IMPORT += ("TOKENIZERS_", "TORCH", "TRANSFORMERS_", "XDG_")
"""Beginnings of the names of environment variables that Python or a library reads as it starts. An empty one, such as
CUDA_VISIBLE_DEVICES where a job has no GPU, is no other environment here: no GPU is seen without it either."""
LIBRARIES = (
    *("argparse", "asyncio", "csv", "jinja2", "jsonschema", "markdown_it", "multiprocessing.connection", "yaml"),
    *("numpy", "polars", "pandas", "scipy.stats", "scipy.optimize", "scipy.special"),
    *("matplotlib.pyplot", "matplotlib.figure", "seaborn", "torch", "torch.utils.checkpoint", "safetensors.torch"),
    *("transformers", "transformers.models.llama.modeling_llama", "transformers.models.auto.modeling_auto"),
    *("transformers.models.auto.tokenization_auto", "transformers.generation.utils", "bitsandbytes", "peft"),
)
"""What jobs import. What is not installed is left out, and imported by the job that needs it, or missed by it."""

CLIENT = """#!{base} -IS
import json, os, signal, socket, sys


def real_python():
    os.execv({real!r}, [{real!r}, *sys.argv[1:]])


here = {{name: value for name, value in os.environ.items() if value and name.startswith({beginnings!r})}}
script = sys.argv[1] if len(sys.argv) > 1 else ""
if here != {imported_with!r} or "workflow/scripts/" not in script:
    real_python()
# A fork has the three streams. The third number here is that of the list itself.
if len(os.listdir("/proc/self/fd")) > 4:
    real_python()
server = socket.socket(socket.AF_UNIX)
try:
    server.connect({address!r})
except OSError:
    real_python()
asked = dict(arguments=sys.argv[1:], folder=os.getcwd(), environment=dict(os.environ), group=os.getpgrp())
asked = json.dumps(asked | dict(python=sys.argv[0])).encode()
socket.send_fds(server, [len(asked).to_bytes(8, "big")], [0, 1, 2])
server.sendall(asked)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda number, frame: server.send(bytes([number])))
status = server.recv(4)
if len(status) < 4:
    os._exit(1)
status = int.from_bytes(status, "big", signed=True)
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
"""


class WarmPython:
    """A process that runs scripts, each in a fork; it ends with the process that made it.

    Attributes: python, the path of what takes the place of the real Python.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """environment: that of the jobs, in which the libraries are imported."""
        self.folder = tempfile.TemporaryDirectory(prefix="tom-transfer-python-")
        self.python = Path(self.folder.name) / "bin" / Path(sys.executable).name
        self.python.parent.mkdir()
        names = {"python", "python3", self.python.name}
        for program in Path(sys.executable).parent.iterdir():
            if program.name not in names:
                (self.python.parent / program.name).symlink_to(program)
        address = str(Path(self.folder.name) / "socket")
        client = CLIENT.format(
            base=os.path.realpath(sys.executable),
            real=sys.executable,
            beginnings=READ_AT_IMPORT,
            imported_with={
                name: value for name, value in environment.items() if value and name.startswith(READ_AT_IMPORT)
            },
            address=address,
        )
        for name in names:
            path = self.python.parent / name
            path.write_text(client)
            path.chmod(0o700)
        self.process = subprocess.Popen(
            [sys.executable, __file__, address], stdin=subprocess.PIPE, env=dict(environment)
        )


def serve(address: str) -> None:
    """Import the libraries, and fork for each that connects, until standard input ends."""
    for name in LIBRARIES:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(64)
    # A collection would touch, and so copy, all that the forks share.
    gc.collect()
    gc.freeze()
    while listening in select.select([listening, sys.stdin], [], [])[0]:
        client, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if script := attend(client):
                leave_with(run_script(script))
            os._exit(0)
        client.close()


def run_script(script: str) -> int:
    """The exit status of a script that is run as the main module."""
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except KeyboardInterrupt:
        return -signal.SIGINT
    except BaseException:  # noqa: BLE001
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def leave_with(status: int) -> None:
    """End this process as Python does, but for taking apart every module, for which they would be copied first."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def attend(client: socket.socket) -> str | None:
    """Fork once more. The fork returns its script; the process itself tells the client how it ended."""
    size, streams, _, _ = socket.recv_fds(client, 8, 3)
    asked = json.loads(client.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
    child = os.fork()
    if child == 0:
        client.close()
        take_over(asked, streams)
        return asked["arguments"][0]
    for number in streams:
        os.close(number)
    ended = os.pidfd_open(child)
    while ended not in select.select([client, ended], [], [])[0]:
        # Nothing but signals comes, and the end where the client was killed.
        for number in client.recv(16) or [signal.SIGKILL]:
            os.kill(child, number)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(OSError):
        client.sendall(status.to_bytes(4, "big", signed=True))
    return None


def take_over(asked: dict, streams: list[int]) -> None:
    """Have what a process of the client's own would have."""
    with suppress(OSError):
        # Of a group in another session nobody else can be a member.
        os.setpgid(0, asked["group"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # Those of the process that forked know the places of its own streams.
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    tempfile.tempdir = None
    sys.executable = asked["python"]
    sys.argv = asked["arguments"]
    sys.path[0] = str(Path(sys.argv[0]).parent.absolute())


if __name__ == "__main__":
    serve(*sys.argv[1:])
