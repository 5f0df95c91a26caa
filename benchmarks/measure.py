"""What the benchmarks share: seconds of work on a CPU or a GPU, and the prepared default student."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"
sys.path.insert(0, str(SCRIPTS))
STUDENT = ROOT / "results" / "models" / "student" / "nf4"


def require_student() -> None:
    """Stop with a hint unless the default student is prepared."""
    if not (STUDENT / "manifest.json").exists():
        sys.exit("no student yet: snakemake prepare --cores all")


def now() -> float:
    """Where work in this process stands in seconds: of its CPU or, on a GPU, of the clock when the GPU is done."""
    import torch

    if not torch.cuda.is_available():
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def unit() -> str:
    """What `now` counts, a GPU with its name."""
    import torch

    return f"s on one {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "CPU-s"


def peak_gib() -> float:
    """The most memory that this process has held so far, of the GPU where there is one, in GiB."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def cpu_seconds() -> float:
    """CPU seconds that this process and its finished children have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def engine_cpu_seconds() -> float:
    """CPU seconds of the resident engines that are alive."""
    total = 0.0
    for process in psutil.process_iter(["cmdline", "cpu_times"]):
        if any(word.endswith("serve_engine.py") for word in process.info["cmdline"] or []):
            total += process.info["cpu_times"].user + process.info["cpu_times"].system
    return total


def run(command: list[str], threads: int = 1) -> tuple[float, float]:
    """Run a command to its end; (CPU seconds, wall seconds)."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
    cpu, wall = cpu_seconds(), time.perf_counter()
    subprocess.run(command, check=True, env=environment, cwd=ROOT, capture_output=True)
    return cpu_seconds() - cpu, time.perf_counter() - wall
