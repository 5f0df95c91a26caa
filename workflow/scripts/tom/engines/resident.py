"""A resident engine: the model is loaded by the first shard that needs it and answers the later ones.

Each shard stays a job of its own. Its client looks for a free engine of exactly its model, adapter, code,
threads and SLURM allocation (their hash names the engine's folder), starts one if there is none, and talks to it over a
Unix socket that only this user can reach, authenticated with a fresh random key. A client holds an engine
by a file lock, so two clients at a time make two engines and never wait for one another. An engine ends
when it has been idle for long enough, or when every run that used it is gone.
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
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from multiprocessing.connection import Client, Connection
from pathlib import Path

from tom.core.code import SCRIPTS, code_sha256
from tom.core.errors import UserError
from tom.core.job_times import say_loaded
from tom.engines.interface import ChoiceScore, Question, Reply, Request
from tom.engines.parent_run import allocation, current_run
from tom.models.local_model import LocalModel

SERVER = "serve_engine.py"
SOCKET_PATH_LIMIT = 100  # bytes; Linux allows 107, macOS 103
LOST = (ConnectionError, EOFError, FileNotFoundError)


class EngineLost(RuntimeError):
    """A resident engine could not be started, or died with a question uniform_target_contexts."""


def engine_key(model: LocalModel) -> str:
    """Name of the engines that hold exactly this model, in this allocation if any, and run today's code."""
    parts = [*model.content(), code_sha256(SERVER), sys.prefix, sys.version, allocation()]
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
    """An engine in another process, held by this client alone until it closes the connection."""

    def __init__(self, connection: Connection):
        self.connection = connection

    def score(self, questions: list[Question]) -> list[ChoiceScore]:
        """As TransformersEngine.score. Errors: EngineLost if the engine died; UserError as the engine raised it."""
        return self._ask("score", questions)

    def reply(self, requests: list[Request]) -> list[list[Reply]]:
        """As TransformersEngine.reply. Errors: as those of `score`."""
        return self._ask("reply", requests)

    def _ask(self, method: str, asked: list) -> list:
        try:
            self.connection.send({"run": current_run(), "method": method, "asked": asked})
            answer = self.connection.recv()
        except LOST as error:
            raise EngineLost(f"the engine went away ({type(error).__name__})") from None
        if "user_error" in answer:
            raise UserError(answer["user_error"])
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["answers"]


@contextmanager
def resident_engine(model: LocalModel, idle_seconds: float) -> Iterator[ResidentEngine]:
    """Hold a free engine of this model, started if there is none."""
    home = private_folder() / engine_key(model)
    home.mkdir(mode=0o700, exist_ok=True)
    for number in count():
        with (home / f"{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            connection = _connect(home, number) or _start(
                home, number, [*model.arguments(), f"--idle-seconds={idle_seconds}"]
            )
            with connection:
                yield ResidentEngine(connection)
            return


def _connect(home: Path, number: int) -> Connection | None:
    """A connection to the running engine, or None if there is none."""
    try:
        return Client(str(home / f"{number}.socket"), "AF_UNIX", authkey=(home / f"{number}.key").read_bytes())
    except LOST:
        return None


def _start(home: Path, number: int, arguments: list[str]) -> Connection:
    """Start an engine and wait until it answers."""
    key = home / f"{number}.key"
    key.unlink(missing_ok=True)
    with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(secrets.token_bytes(32))
    (home / f"{number}.socket").unlink(missing_ok=True)
    command = [sys.executable, str(SCRIPTS / SERVER), "--home", str(home), "--number", str(number), *arguments]
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
