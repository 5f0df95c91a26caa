"""What the benchmarks share: seconds of work on a CPU or a GPU, and the student that they load. Not run by itself."""

import argparse
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
PREPARED = "results/models/*/nf4*/manifest.json"


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """The flag that names the model; `model_folder` reads it."""
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FOLDER",
        help="with weights/ and manifest.json (default: the last prepared student)",
    )


def model_folder(given: Path | None) -> Path:
    """The folder given, or that of the student prepared last; ends the script where there is none."""
    if given:
        if not (given / "manifest.json").is_file():
            sys.exit(f"error: {given}: no manifest.json (snakemake prepare makes such a folder)")
        return given.resolve()
    manifests = sorted(ROOT.glob(PREPARED), key=lambda file: file.stat().st_mtime)
    if not manifests:
        sys.exit("error: no student yet (snakemake prepare --cores all, or --model FOLDER)")
    return manifests[-1].parent


def device() -> str:
    """`cuda` where there is a GPU, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def open_model(folder: Path):
    """An engine that runs the model of a folder in this process, on one thread, or a GPU where there is one."""
    from tom.engines.local_model import LocalModel
    from tom.engines.opening import open_engine

    gpus = int(device() == "cuda")
    return open_engine(LocalModel(folder / "weights", folder / "manifest.json", None, None, threads=1, gpus=gpus))


def now() -> float:
    """Where work in this process stands in seconds: of its CPU or, on a GPU, of the clock when the GPU is done."""
    import torch

    if device() == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def unit() -> str:
    """What `now` counts, a GPU with its name."""
    import torch

    return f"s on one {torch.cuda.get_device_name()}" if device() == "cuda" else "CPU-s"


def peak_gib() -> float:
    """The most memory that this process has held so far, of the GPU where there is one, in GiB."""
    import torch

    if device() == "cuda":
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
