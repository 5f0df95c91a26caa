"""A machine with GPUs that isn't there, for processes that a test starts (tests/helpers/fake_gpus)."""

import os
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

FAKES = Path(__file__).with_name("fake_gpus")
SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
RECENT_DRIVER = "580.65.06"


def gpu_variables(folder: Path, gpus: int, driver: str = RECENT_DRIVER) -> dict[str, str]:
    """Environment variables of a machine with so many GPUs, which lie in a new folder; 0: without a driver.

    Every machine's GPUs are others, so that no test waits for another one's.
    """
    folder.mkdir()
    machine = folder / "gpus.csv"
    machine.write_text("".join(f"GPU-{uuid4()}, Fake A100, {driver}\n" for _ in range(gpus)))
    return {
        "FAKE_GPUS": str(machine),
        "PATH": os.pathsep.join([str(FAKES), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(FAKES), str(SCRIPTS)]),
    }


def without_visible_devices(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process in which neither a user nor SLURM chose devices."""
    left_out = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "SLURM_JOB_ID")
    return {key: value for key, value in environment.items() if key not in left_out}
