"""Serve a loaded model to the shards of a run; started by tom/engines/resident.py, never by hand.

Ends when idle for --idle-seconds, when every run that asked is gone, when the code is no longer --source-sha256, when
another job needs its GPUs, and after any error but a UserError.
"""

import argparse
import os
import signal
import time
import traceback
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener, wait
from pathlib import Path
from typing import Any

from tom.core.errors import UserError, run_main
from tom.engines.devices import END, LOST
from tom.engines.interface import Engine
from tom.engines.local_model import LocalModel
from tom.engines.opening import open_engine
from tom.engines.parent_run import is_alive
from tom.engines.registry import changes_adapters
from tom.engines.resident import source_sha256

POLL_SECONDS = 1.0
ENDING_SECONDS = 60
"""How long an engine may take to free what it holds; then the system ends it."""


class Ends(Exception):
    """This engine answers nobody any more; the text says why."""


def answer(engine: Engine, request: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request of ResidentEngine, or its error, as one message; `ends`: why no other can be answered."""
    fails = {"ends": "it could not change its adapter"}
    try:
        # The client names its files relative to its folder.
        os.chdir(request["folder"])
        if changes_adapters(request["model"].engine):
            engine.use_adapter(request["model"])
        fails = {}
        if request["method"] == "run":
            return {"answer": request["asked"](engine)}
        return {"answer": getattr(engine, request["method"])(request["asked"])}
    except UserError as error:
        return {"user_error": str(error)} | fails
    except Exception as error:  # noqa: BLE001 - the client must learn of every error
        first = str(error).partition("\n")[0]
        broke = {"error": f"{type(error).__name__}: {first}", "traceback": traceback.format_exc()}
        return broke | {"ends": "a process that broke may break again"}


def serve_client(connection: Connection, listener: Listener, engine: Engine, runs: set[str], source: str) -> None:
    """Answer one client until it closes the connection. Errors: Ends."""
    with connection:
        try:
            while True:
                request = connection.recv()
                if request["method"] == END:
                    # Closed before the answer: its socket is then free for another engine.
                    listener.close()
                    connection.send({"answer": None})
                    raise Ends("another job needs its GPUs")
                if request["run"]:
                    runs.add(request["run"])
                message = answer(engine, request)
                # Checked last: modules that the answer needed may have been imported just now.
                if source_sha256() != source:
                    raise Ends("the code was edited")
                if "ends" in message:
                    listener.close()
                    print(message.get("traceback", message.get("user_error")), flush=True)
                connection.send(message)
                if "ends" in message:
                    raise Ends(message["ends"])
        except LOST:
            return


def serve(listener: Listener, engine: Engine, idle_seconds: float, source: str) -> None:
    """Serve one client after another until idle for too long or abandoned by every run. Errors: Ends."""
    runs: set[str] = set()
    last = time.monotonic()
    # Listener has no public way to wait with a time limit; its socket has.
    socket = listener._listener._socket
    while time.monotonic() - last < idle_seconds and not (runs and not any(map(is_alive, runs))):
        if wait([socket], POLL_SECONDS):
            try:
                connection = listener.accept()
            except (AuthenticationError, *LOST):
                continue
            serve_client(connection, listener, engine, runs, source)
            last = time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, required=True, help="the engine's private folder")
    parser.add_argument("--number", type=int, required=True, help="which engine of its kind this is")
    parser.add_argument("--idle-seconds", type=float, required=True)
    parser.add_argument("--source-sha256", required=True, help="hash of the code that may answer")
    LocalModel.add_arguments(parser)
    arguments = parser.parse_args()
    engine = open_engine(LocalModel.from_arguments(arguments))
    key = (arguments.home / f"{arguments.number}.key").read_bytes()
    address = arguments.home / f"{arguments.number}.socket"
    with Listener(str(address), "AF_UNIX", backlog=4, authkey=key) as listener:
        try:
            serve(listener, engine, arguments.idle_seconds, arguments.source_sha256)
        except Ends as reason:
            print(f"this engine ends: {reason}", flush=True)
    signal.alarm(ENDING_SECONDS)
    # vLLM's workers hold GPUs as well: they must be gone before this process and its locks are.
    if hasattr(engine, "close"):
        engine.close()


if __name__ == "__main__":
    run_main(main)
