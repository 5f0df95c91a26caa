"""A resident engine: the model is loaded by the first shard that needs it, and answers the later ones.

Each shard is a job of its own, whose client looks for a free engine, starts one if there is none, and talks to it over
a Unix socket. Only this user can reach the socket, and a fresh random key authenticates both sides. An engine's folder
is named by a hash of all that its answers depend on: model, adapter, engine and its settings, threads, code, folder of
the run and SLURM allocation. A client holds an engine by a file lock, so two clients at a time have two engines and
never wait for each other. An engine ends when it was idle for long enough, or when every run that used it is gone.

A client runs for a tenth of a second, so this module imports the standard library alone.
"""

import fcntl
import hashlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from tom.core.errors import UserError
from tom.engines.interface import ChoiceScore, Engine, Question, Reply, Request
from tom.engines.local_model import LocalModel
from tom.engines.parent_run import allocation, current_run

SCRIPTS = Path(__file__).resolve().parents[2]
SERVER = "serve_engine.py"
PACKAGES = ("core", "engines", "games", "models", "parsing", "prompts", "sampling")
"""Packages of `tom` that an engine imports something of."""
SOCKET_PATH_LIMIT = 100  # bytes; Linux allows 107, macOS 103
LOST = (ConnectionError, EOFError, FileNotFoundError)


class EngineLost(RuntimeError):
    """A resident engine could not be started, or died before it answered."""


def source_sha256() -> str:
    """Hash of every file of code or schema that an engine may read, whether it uses it or not.

    tom/core/code.py hashes only what is used, but takes longer than the rest of a client. An edit that changes nothing
    costs one more load of the model.
    """
    files = [str(SCRIPTS / SERVER), str(SCRIPTS / "tom" / "__init__.py")]
    for folder in (*(SCRIPTS / "tom" / package for package in PACKAGES), SCRIPTS.parent / "schemas"):
        with os.scandir(folder) as entries:
            files += [entry.path for entry in entries if entry.name.endswith((".py", ".schema.yaml"))]
    digest = hashlib.sha256()
    for file in sorted(files):
        with open(file, "rb") as stream:
            content = stream.read()
        digest.update(f"{file}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def engine_key(model: LocalModel, source: str | None = None) -> str:
    """Name of the engines that hold exactly this model, run this code, and serve runs in this folder.

    source: `source_sha256()`, where it is known.
    """
    parts = [*model.content(), source or source_sha256(), os.getcwd(), sys.prefix, sys.version, allocation()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def private_folder() -> Path:
    """This user's folder for engines on this machine, unreachable for others."""
    for parent in (tempfile.gettempdir(), "/tmp"):
        folder = Path(parent) / f"tom-transfer-{os.getuid()}"
        if len(os.fsencode(folder)) + 40 < SOCKET_PATH_LIMIT:
            break
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.stat(follow_symlinks=False)
    except OSError as error:
        raise EngineLost(f"no folder for engines: {error}") from None
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or folder.is_symlink():
        raise EngineLost(f"{folder} is not a private folder of this user")
    return folder


class ResidentEngine:
    """An engine in another process, for this client alone until it closes the connection.

    Errors of its methods: EngineLost if the engine died, or its code was edited meanwhile; UserError as the engine
    raised it; RuntimeError for any other error there.
    """

    def __init__(self, connection: Connection):
        self.connection = connection

    def score(self, questions: list[Question]) -> list[ChoiceScore] | None:
        """As Engine.score."""
        return self._ask("score", questions)

    def reply(self, requests: list[Request]) -> list[list[Reply]]:
        """As Engine.reply."""
        return self._ask("reply", requests)

    def run(self, work: Callable[[Engine], Any]) -> Any:
        """What `work` returns of the engine, run in the engine's process. work: a function that can be pickled."""
        return self._ask("run", work)

    def _ask(self, method: str, asked: Any) -> Any:
        request = {"run": current_run(), "folder": os.getcwd(), "method": method, "asked": asked}
        try:
            self.connection.send(request)
            answer = self.connection.recv()
        except LOST as error:
            raise EngineLost(f"the engine went away ({type(error).__name__})") from None
        if "user_error" in answer:
            raise UserError(answer["user_error"])
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["answer"]


@contextmanager
def resident_engine(model: LocalModel, idle_seconds: float) -> Iterator[ResidentEngine]:
    """Hold a free engine of this model, started if there is none. Errors: EngineLost; UserError from its start."""
    source = source_sha256()
    home = private_folder() / engine_key(model, source)
    home.mkdir(mode=0o700, exist_ok=True)
    for number in count():
        # Not the package filelock, which takes longer to import than a client runs.
        with (home / f"{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            flags = [*model.arguments(), f"--idle-seconds={idle_seconds}", f"--source-sha256={source}"]
            connection = _connect(home, number) or _start(home, number, flags)
            with connection:
                yield ResidentEngine(connection)
            return


def _connect(home: Path, number: int) -> Connection | None:
    """A connection to the running engine, or None if there is none."""
    try:
        return Client(str(home / f"{number}.socket"), "AF_UNIX", authkey=(home / f"{number}.key").read_bytes())
    except LOST:
        return None


def _start(home: Path, number: int, flags: list[str]) -> Connection:
    """Start an engine and wait until it answers."""
    from tom.core.job_times import say_loaded

    key = home / f"{number}.key"
    key.unlink(missing_ok=True)
    with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(secrets.token_bytes(32))
    (home / f"{number}.socket").unlink(missing_ok=True)
    command = [sys.executable, str(SCRIPTS / SERVER), "--home", str(home), "--number", str(number), *flags]
    with (home / f"{number}.log").open("wb") as log:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    started = time.monotonic()
    while server.poll() is None:
        if connection := _connect(home, number):
            say_loaded(started, "resident engine started: ")
            return connection
        time.sleep(0.05)
    text = (home / f"{number}.log").read_text(errors="replace").strip()
    if server.returncode == 2 and "error: " in text:
        raise UserError(text.rpartition("error: ")[2])
    raise EngineLost(f"the engine ended with status {server.returncode} before it answered:\n{text[-2000:]}")
