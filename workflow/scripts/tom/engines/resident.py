"""A resident engine: the model is loaded by the first shard that needs it, and answers the later ones.

Each shard is a job of its own, whose client looks for a free engine, starts one if there is none, and talks to it over
a Unix socket. Only this user can reach the socket, and a fresh random key authenticates both sides. An engine's folder
is named by a hash of all that its answers depend on: model, engine and its settings, threads, code, folder of the run,
SLURM allocation, and the GPUs that it may use. The adapter is part of it unless the engine can change it: each request
names the model that is to answer. A client holds an engine by a file lock, so two clients at a
time have two engines, on GPUs of their own; without GPUs they never wait for each other. An engine ends when it was
idle for long enough, when every run that used it is gone, when another job needs its GPUs, and after it broke.

A client runs for a tenth of a second, so this module imports the standard library alone.
"""

import hashlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tom.core.errors import UserError
from tom.engines.devices import (
    LOST,
    VISIBLE,
    Device,
    HeldDevices,
    connect,
    enough_devices,
    hold_devices,
    locked,
    private_folder,
    wait_for,
)
from tom.engines.interface import ChoiceScore, Engine, Question, Reply, Request
from tom.engines.local_model import LocalModel
from tom.engines.parent_run import allocation, current_run
from tom.engines.registry import changes_adapters

if TYPE_CHECKING:
    from tom.prompts.prompts import Messages

SCRIPTS = Path(__file__).resolve().parents[2]
SERVER = "serve_engine.py"
PACKAGES = ("core", "engines", "games", "models", "parsing", "prompts", "sampling")
"""Packages of `tom` that an engine imports something of."""


class EngineLost(RuntimeError):
    """A resident engine could not be started, or died before it answered."""


class EngineBroke(EngineLost):
    """A resident engine met an error that is no UserError, and ends: CUDA's errors, for one, stay with a process.

    Its text: the error in one line, and the place of the engine's log.
    """


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
    """Name of the engines that can answer as this model, run this code, and serve runs in this folder.

    source: `source_sha256()`, where it is known.
    """
    # No engine on a GPU answers a run that may not use it.
    devices = [model.gpus, os.environ.get(VISIBLE) if model.gpus else ""]
    loaded = replace(model, adapter=None, adapter_manifest=None) if changes_adapters(model.engine) else model
    parts = [*loaded.content(), source or source_sha256(), os.getcwd(), sys.prefix, sys.version, allocation(), devices]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


class ResidentEngine:
    """An engine in another process that answers as `model`, for this client alone until it closes the connection.

    Errors of its methods: EngineLost if the engine died, or its code was edited meanwhile; UserError as the engine
    raised it; EngineBroke for any other error there, with its traceback as a note.
    """

    def __init__(self, connection: Connection, log: Path, model: LocalModel):
        self.connection = connection
        self.log = log
        self.model = model

    def score(self, questions: list[Question]) -> list[ChoiceScore] | None:
        """As Engine.score."""
        return self._ask("score", questions)

    def tokens_sha256(self, messages: "Messages") -> str | None:
        """As Engine.tokens_sha256."""
        return self._ask("tokens_sha256", messages)

    def reply(self, requests: list[Request]) -> list[list[Reply]]:
        """As Engine.reply."""
        return self._ask("reply", requests)

    def run(self, work: Callable[[Engine], Any]) -> Any:
        """What `work` returns of the engine, run in the engine's process. work: a function that can be pickled."""
        return self._ask("run", work)

    def _ask(self, method: str, asked: Any) -> Any:
        request = {"run": current_run(), "folder": os.getcwd(), "model": self.model, "method": method, "asked": asked}
        try:
            self.connection.send(request)
            answer = self.connection.recv()
        except LOST as error:
            raise EngineLost(f"the engine went away ({type(error).__name__})") from None
        if "user_error" in answer:
            raise UserError(answer["user_error"])
        if "error" in answer:
            broke = EngineBroke(f"{answer['error']} (the engine's log: {self.log})")
            broke.add_note(answer["traceback"])
            raise broke
        return answer["answer"]


@contextmanager
def resident_engine(model: LocalModel, idle_seconds: float) -> Iterator[ResidentEngine]:
    """Hold a free engine of this model, started if there is none; on GPUs it may have to wait for them.

    Errors: EngineLost; UserError from its start, or if there are too few GPUs.
    """
    source = source_sha256()
    try:
        home = private_folder() / engine_key(model, source)
    except UserError as error:
        raise EngineLost(str(error)) from None
    home.mkdir(mode=0o700, exist_ok=True)
    flags = [*model.arguments(), f"--idle-seconds={idle_seconds}", f"--source-sha256={source}"]
    found = _find(home)
    if found is None:
        visible = enough_devices(model.gpus) if model.gpus else []
        found = wait_for(lambda: _find(home) or _start_free(home, flags, model.gpus, visible), model.gpus)
    number, lock, connection = found
    with lock, connection:
        if model.gpus:
            print(f"resident engine on {(home / f'{number}.devices').read_text()}", file=sys.stderr, flush=True)
        yield ResidentEngine(connection, home / f"{number}.log", model)


def _find(home: Path) -> tuple[int, IO, Connection] | None:
    """A running engine that nobody holds: its number, the lock by which this client holds it now, and a connection."""
    for number in sorted(int(socket.stem) for socket in home.glob("*.socket")):
        if lock := locked(home / f"{number}.lock"):
            if connection := connect(home / str(number)):
                return number, lock, connection
            lock.close()
    return None


def _start_free(home: Path, flags: list[str], gpus: int, visible: list[Device]) -> tuple[int, IO, Connection] | None:
    """A new engine, held by this client as one that _find found; None while there are no GPUs for it."""
    with ExitStack() as stack:
        number, lock = next((number, lock) for number in count() if (lock := locked(home / f"{number}.lock")))
        stack.enter_context(lock)
        held = hold_devices(gpus, visible, home / str(number)) if gpus else HeldDevices((), ())
        if held is None:
            return None
        # It may have become free since _find looked.
        connection = connect(home / str(number)) or _start(home, number, flags, held)
        stack.pop_all()
        return number, lock, connection


def _start(home: Path, number: int, flags: list[str], held: HeldDevices) -> Connection:
    """Start an engine on GPUs, which it holds from now on, and wait until it answers."""
    from tom.core.job_times import say_loaded

    key = home / f"{number}.key"
    key.unlink(missing_ok=True)
    with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(secrets.token_bytes(32))
    (home / f"{number}.socket").unlink(missing_ok=True)
    (home / f"{number}.devices").write_text(str(held))
    command = [sys.executable, str(SCRIPTS / SERVER), "--home", str(home), "--number", str(number), *flags]
    with (home / f"{number}.log").open("wb") as log:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | held.environment(),
            pass_fds=[file.fileno() for file in held.files],
        )
    held.release()
    started = time.monotonic()
    while server.poll() is None:
        if connection := connect(home / str(number)):
            say_loaded(started, "resident engine started: ")
            return connection
        time.sleep(0.05)
    text = (home / f"{number}.log").read_text(errors="replace").strip()
    if server.returncode == 2 and "error: " in text:
        raise UserError(text.rpartition("error: ")[2])
    said = text.rpartition("error: ")[2] if "error: " in text else text[-2000:]
    raise EngineLost(f"the engine ended with status {server.returncode} before it answered: {said}")
