"""GPUs: which ones a job may use, who holds which, and whether torch can use them.

No other module asks the driver or torch for devices. What a process may use is what CUDA_VISIBLE_DEVICES names, set by
the user or by SLURM, or else all that the driver lists. A job, or the engine that answers for it, holds a lock on each
of its GPUs for as long as it lives, and sees no others. A GPU that an engine without a client holds is free for whoever
asks: the engine is told to end.

The locks are `flock`s, which end with their process however it ends. They bind the jobs of one user on one machine, in
a SLURM allocation those of that allocation: SLURM keeps it from others.
"""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import IO, TypeVar

from tom.core.errors import UserError
from tom.core.files import private_folder
from tom.engines.parent_run import allocation

VISIBLE = "CUDA_VISIBLE_DEVICES"
LEAST_DRIVER = {"12": 525, "13": 580}
"""The oldest driver for each major version of CUDA (https://docs.nvidia.com/deploy/cuda-compatibility)."""
POLL_SECONDS = 0.2
LOST = (ConnectionError, EOFError, FileNotFoundError)
"""What it raises to speak with a process that is gone."""
END = "end"
"""What an engine is asked to make it end."""

Found = TypeVar("Found")
_held: list[IO] = []  # locks of this process itself, until it ends


@dataclass(frozen=True)
class Device:
    """A GPU. index: its name in CUDA_VISIBLE_DEVICES: a number in the order of PCI buses, or MIG-… for a part."""

    index: str
    uuid: str
    name: str

    def __str__(self) -> str:
        return f"GPU {self.index} ({self.name})"


@dataclass(frozen=True)
class HeldDevices:
    """GPUs, or none, and the open files whose locks hold them: in this process, and in any that inherits the files."""

    devices: tuple[Device, ...]
    files: tuple[IO, ...]

    def __str__(self) -> str:
        return ", ".join(map(str, self.devices))

    def environment(self) -> dict[str, str]:
        """The variables by which a process sees these GPUs and no others; to be set before it imports torch."""
        return {VISIBLE: ",".join(device.index for device in self.devices), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}

    def release(self) -> None:
        """Close the files; a process that has inherited them holds the GPUs on."""
        for file in self.files:
            file.close()


# What the driver and torch say


def ask_driver(fields: str) -> list[list[str]]:
    """What nvidia-smi says of each GPU, a row each. fields: as its --query-gpu. Errors: UserError if it can't."""
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise UserError(f"no NVIDIA driver was found here: nvidia-smi can't be run ({error.strerror})") from None
    said = done.stdout.strip()
    if done.returncode:
        first = (said or done.stderr.strip() or f"status {done.returncode}").splitlines()[0]
        raise UserError(f"the NVIDIA driver doesn't answer: nvidia-smi says: {first}")
    rows = [[value.strip() for value in line.split(",")] for line in said.splitlines()]
    # Without a GPU some versions answer with a sentence.
    return [row for row in rows if len(row) == len(fields.split(","))]


def visible_devices() -> list[Device]:
    """The GPUs that this process may use, in the order of CUDA_VISIBLE_DEVICES. Errors: UserError without a driver.

    As CUDA does, it reads that list up to the first name that no GPU has. Numbers are those of nvidia-smi, also where
    CUDA_DEVICE_ORDER=FASTEST_FIRST (CUDA's default) would number GPUs of several models in another order.
    """
    found = [Device(*row) for row in ask_driver("index,uuid,name")]
    if (names := os.environ.get(VISIBLE)) is None:
        return found
    devices = []
    for name in map(str.strip, names.split(",")):
        if name.startswith("MIG-"):
            devices.append(Device(name, name, "a part of a GPU"))
        elif same := [one for one in found if name and (one.index == name or one.uuid.startswith(name))]:
            devices.append(same[0])
        else:
            break
    return devices


def torch_device(gpus: int) -> str:
    """Where torch computes in a job of so many GPUs: `cpu` for none, else `cuda`. Errors: UserError if it can't there.

    Initialises the driver, so that a process forked later can't use CUDA: vLLM's workers are spawned.
    """
    if not gpus:
        return "cpu"
    import torch

    if (built_for := torch.version.cuda) is None:
        raise UserError(
            f"gpus: {gpus}, but torch {torch.__version__} of this environment knows no GPU (allowed: gpus: 0,"
            " or a build of torch for CUDA)"
        )
    if torch.cuda.is_available() and torch.cuda.device_count() >= gpus:
        return "cuda"
    (driver,), *_ = ask_driver("driver_version")
    least = LEAST_DRIVER.get(built_for.partition(".")[0])
    raise UserError(
        f"gpus: {gpus}, but torch can't use so many here. The driver's version is {driver}; torch {torch.__version__}"
        f" is built for CUDA {built_for}{f', which needs driver {least} or newer' if least else ''}"
        " (allowed: gpus: 0, a newer driver, or a torch for an older CUDA)"
    )


def multiplies_16_bits_slowly(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this CPU is an x86 without AVX-512: torch then takes many times as long at bfloat16 as at float32.

    benchmarks/cpu_types.py measures it. False where nothing is known of the CPU.
    """
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return False
    flags = {flag for line in lines if line.startswith("flags") for flag in line.split()}
    return bool(flags) and "avx512bw" not in flags


# Who holds what


def locked(file: Path, mode: str = "w") -> IO | None:
    """The file, opened and locked, or None while someone else has it locked."""
    # Not the package filelock, which takes longer to import than a shard's client runs.
    stream = file.open(mode)
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return None
    return stream


def connect(place: Path) -> Connection | None:
    """A connection to the engine at a place, or None if none runs there.

    place: the path, without suffix, of its socket, its key, and the lock that its client holds.
    """
    try:
        return Client(f"{place}.socket", "AF_UNIX", authkey=Path(f"{place}.key").read_bytes())
    except LOST:
        return None


def take_devices(gpus: int) -> None:
    """Let this process use so many GPUs, and no others, until it ends; wait for them. Call it before torch is imported.

    Errors: UserError if fewer than so many are visible.
    """
    if not gpus:
        os.environ |= HeldDevices((), ()).environment()
        return
    visible = enough_devices(gpus)
    held = wait_for(lambda: hold_devices(gpus, visible), gpus)
    _held.extend(held.files)
    os.environ |= held.environment()
    print(f"on {held}", file=sys.stderr, flush=True)


def enough_devices(gpus: int) -> list[Device]:
    """The visible devices. Errors: UserError if they are fewer than so many."""
    try:
        visible = visible_devices()
    except UserError as error:
        raise UserError(f"gpus: {gpus}, but {error} (allowed: gpus: 0, or a machine with GPUs)") from None
    if len(visible) < gpus:
        where = f"with {VISIBLE}={os.environ[VISIBLE]}" if VISIBLE in os.environ else "on this machine"
        raise UserError(f"gpus: {gpus}, but {len(visible)} can be used {where} (allowed: up to as many)")
    return visible


def wait_for(attempt: Callable[[], Found | None], gpus: int) -> Found:
    """What an attempt to get GPUs returns, as soon as one succeeds."""
    waits = False
    while (found := attempt()) is None:
        if not waits:
            print(f"waits for {gpus} GPU(s) that other jobs hold", file=sys.stderr, flush=True)
        waits = True
        time.sleep(POLL_SECONDS)
    return found


def hold_devices(gpus: int, visible: list[Device], engine: Path | None = None) -> HeldDevices | None:
    """Hold so many of the visible GPUs, or none of them and return None.

    If they are not free, idle engines are asked to give enough of them back, and a later call may succeed. Nobody waits
    while holding a part of what it needs, so no two jobs wait for each other.
    engine: the place of the engine that they are for, or None.
    """
    folder = private_folder() / "devices"
    folder.mkdir(mode=0o700, exist_ok=True)
    # One at a time looks, or two might each lock a part, and both go away empty-handed.
    with (folder / "lock").open("w") as looking:
        fcntl.flock(looking, fcntl.LOCK_EX)
        free, taken = [], []
        for device in visible:
            path = folder / f"{allocation()}{device.uuid}"
            path.touch()
            if file := locked(path, "r+"):
                free.append((device, file))
            else:
                taken.append(path)
        for _, file in free[gpus if len(free) >= gpus else 0 :]:
            file.close()
        if len(free) < gpus:
            _end_idle_engines(taken, gpus - len(free))
            return None
        for _, file in free[:gpus]:
            file.truncate()
            json.dump({"engine": str(engine) if engine else None, "ends": False}, file)
            file.flush()
        devices, files = zip(*free[:gpus], strict=True)
        return HeldDevices(devices, files)


def _end_idle_engines(taken: list[Path], needed: int) -> None:
    """Ask idle engines for as many of the taken GPUs as are needed, those first that have been idle for longest.

    taken: the lock files of GPUs. Nothing is asked if all idle engines together hold too few.
    """
    holders = [json.loads(path.read_text()) for path in taken]
    needed -= sum(holder["ends"] for holder in holders)
    engines = Counter(Path(holder["engine"]) for holder in holders if holder["engine"] and not holder["ends"])
    with ExitStack() as stack:
        idle = {}
        for place, number in engines.items():
            # A client that takes this lock empties the file, so its time tells when the engine was last asked for.
            if lock := locked(Path(f"{place}.lock"), "a"):
                # While it is held, nobody starts another engine at the place.
                idle[place] = os.fstat(lock.fileno()).st_mtime, number
                stack.enter_context(lock)
        if sum(number for _, number in idle.values()) < needed:
            return
        for place, (_, number) in sorted(idle.items(), key=lambda item: item[1][0]):
            if needed <= 0:
                return
            if connection := connect(place):
                with connection:
                    end_engine(connection)
            for path, holder in zip(taken, holders, strict=True):
                if holder["engine"] == str(place):
                    path.write_text(json.dumps(holder | {"ends": True}))
            needed -= number


def end_engine(connection: Connection) -> None:
    """Ask an engine to end; returns once it accepts no more clients."""
    with suppress(*LOST):
        connection.send({"method": END})
        connection.recv()
