"""Serve a loaded model to the shards of a run; started by tom/engines/resident.py, never by hand.

Ends when idle for --idle-seconds, or when every run that asked is gone.
"""

import argparse
import time
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener, wait
from pathlib import Path

from tom.core.errors import UserError, run_main
from tom.engines.interface import Engine
from tom.engines.opening import open_engine
from tom.engines.parent_run import is_alive
from tom.engines.resident import LOST
from tom.models.local_model import LocalModel

LOOK_AROUND_SECONDS = 1.0


def answer(engine: Engine, method: str, asked: list) -> dict:
    """What a method of the engine (see tom.engines.opening.py) answers, or what went wrong, as one message."""
    try:
        return {"answers": getattr(engine, method)(asked)}
    except UserError as error:
        return {"user_error": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever it is, the client must hear of it
        return {"error": f"{type(error).__name__}: {error}"}


def serve_client(connection: Connection, engine: Engine, runs: set[str]) -> None:
    """Answer one client until it hangs up."""
    with connection:
        try:
            while True:
                request = connection.recv()
                if request["run"]:
                    runs.add(request["run"])
                connection.send(answer(engine, request["method"], request["asked"]))
        except LOST:
            return


def serve(listener: Listener, engine: Engine, idle_seconds: float) -> None:
    """Take one client after another until idle for too long or abandoned by every run."""
    runs: set[str] = set()
    last = time.monotonic()
    # Listener has no public way to wait with a time limit; its socket has.
    socket = listener._listener._socket
    while time.monotonic() - last < idle_seconds and not (runs and not any(map(is_alive, runs))):
        if wait([socket], LOOK_AROUND_SECONDS):
            try:
                connection = listener.accept()
            except (AuthenticationError, *LOST):
                continue
            serve_client(connection, engine, runs)
            last = time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the engine's private folder")
    parser.add_argument("--number", type=int, required=True, help="which engine of its kind this is")
    parser.add_argument("--idle-seconds", type=float, required=True)
    LocalModel.add_arguments(parser)
    arguments = parser.parse_args()
    engine = open_engine(LocalModel.from_arguments(arguments))
    key = (arguments.home / f"{arguments.number}.key").read_bytes()
    address = arguments.home / f"{arguments.number}.socket"
    with Listener(str(address), "AF_UNIX", backlog=4, authkey=key) as listener:
        serve(listener, engine, arguments.idle_seconds)


if __name__ == "__main__":
    run_main(main)
