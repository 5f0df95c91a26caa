"""Open a local model's engine, in this process or in a resident one."""

import sys
import time
from collections.abc import Callable
from typing import TypeVar

from tom.engines.devices import take_devices
from tom.engines.interface import Engine
from tom.engines.local_model import LocalModel
from tom.engines.registry import load_engine
from tom.engines.resident import EngineBroke, EngineLost, ResidentEngine, resident_engine

Result = TypeVar("Result")
RESIDENT_TRIES = 2


def open_engine(model: LocalModel) -> Engine:
    """The model's engine in this process, its files checked. Errors: UserError."""
    return load_engine(model.engine).open_engine(model)


def with_local_engine(model: LocalModel, idle_seconds: float, work: Callable[[Engine], Result]) -> Result:
    """Run `work` with a resident engine, or in this process with idle_seconds 0 or after two engines were lost.

    After a lost engine `work` runs again, so it must write nothing before it returns. Errors: EngineBroke if two
    engines broke at it, since a third one would as well.
    """
    lost: list[EngineLost] = []
    for _ in range(RESIDENT_TRIES if idle_seconds > 0 else 0):
        try:
            with resident_engine(model, idle_seconds) as engine:
                return work(engine)
        except EngineLost as error:
            print(f"no resident engine: {error}", file=sys.stderr, flush=True)
            lost.append(error)
    if lost and all(isinstance(error, EngineBroke) for error in lost):
        raise lost[-1]
    from tom.core.job_times import say_loaded

    take_devices(model.gpus)
    started = time.monotonic()
    engine = open_engine(model)
    say_loaded(started)
    return work(engine)


def run_at_engine(model: LocalModel, idle_seconds: float, work: Callable[[Engine], Result]) -> Result:
    """As with_local_engine, but `work` runs in the engine's process, so this one needs none of its imports.

    work: can be pickled. It reads files by paths relative to this process's folder, and writes none.
    """
    return with_local_engine(
        model,
        idle_seconds,
        lambda engine: engine.run(work) if isinstance(engine, ResidentEngine) else work(engine),
    )
