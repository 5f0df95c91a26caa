"""Python reads this where its folder is on PYTHONPATH: torch is one for CUDA 13.0 that finds the GPUs of $FAKE_GPUS.

Models are still computed on the CPU. A GPU lets in one process at a time, as with NVIDIA's compute mode
EXCLUSIVE_PROCESS: that two jobs never share one is checked here, without the locks under test.
"""

import atexit
import fcntl
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path
from unittest.mock import patch

MODULE = "tom.engines.devices"
entered = []


def driver(module) -> int:
    """The major version of the driver."""
    return int(module.ask_driver("driver_version")[0][0].partition(".")[0])


def enter(index: str) -> None:
    """Be the one process on a GPU, until this process ends or is about to."""
    node = os.environ.get("SLURMD_NODENAME", "")
    file = Path(f"{os.environ['FAKE_GPUS']}.{node}{index}").open("w")  # noqa: SIM115 - kept open
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RuntimeError(f"CUDA error: device {index} is busy or unavailable") from None
    entered.append(file)
    # A process leaves its GPU before it lets go of its lock on it, whichever of the two files Python would close first.
    atexit.register(file.close)


def faked(module):
    """torch_device of the module, with another torch."""

    def torch_device(gpus: int, real=module.torch_device) -> str:
        if gpus:
            indices = [name for name in os.environ[module.VISIBLE].split(",") if name]
            count = len(indices) if driver(module) >= 580 else 0
            with (
                patch("torch.version.cuda", "13.0"),
                patch("torch.cuda.is_available", lambda: count > 0),
                patch("torch.cuda.device_count", lambda: count),
            ):
                real(gpus)
            for index in indices:
                enter(index)
        return "cpu"

    return torch_device


class Finder(MetaPathFinder):
    """Finds the module under test, and replaces what torch can't do here."""

    def find_spec(self, name, path, target=None):
        if name != MODULE:
            return None
        spec = PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            module.torch_device = faked(module)

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Finder())
