"""The default run from a prepared environment to its summary: wall seconds, CPU seconds and peak memory.

python benchmarks/default_run.py [-- SNAKEMAKE ARGUMENTS]

Runs `snakemake --cores all` into a folder of its own; what stands behind -- is added, such as a target or a config.
Memory is the sum over the run's processes of their proportional set size, which counts shared pages once, looked at
every second.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time

import psutil
from measure import ROOT

RESULTS = "results-benchmark"


def memory_bytes(root: psutil.Process) -> int:
    """Proportional set size of a run: its processes, and the engines it started."""
    run = f":{root.pid}:"
    total = 0
    for process in psutil.process_iter():
        try:
            if process == root or run in process.environ().get("TOM_TRANSFER_RUN", ""):
                total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("snakemake", nargs="*", help="further arguments of Snakemake, behind --")
    arguments = parser.parse_args()
    shutil.rmtree(ROOT / RESULTS, ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "snakemake",
        *arguments.snakemake,
        "--cores",
        "all",
        "--config",
        f"results={RESULTS}",
    ]
    environment = {name: value for name, value in os.environ.items() if name != "TOM_TRANSFER_RUN"}
    started, peak = time.perf_counter(), 0
    run = subprocess.Popen(command, cwd=ROOT, env=environment)
    root = psutil.Process(run.pid)
    while run.poll() is None:
        peak = max(peak, memory_bytes(root))
        time.sleep(1)
    wall = time.perf_counter() - started
    if run.returncode:
        sys.exit(run.returncode)
    print(f"wall {wall / 60:.1f} min, peak memory {peak / 2**30:.1f} GiB, {psutil.cpu_count()} cores")
    shutil.rmtree(ROOT / RESULTS)


if __name__ == "__main__":
    main()
