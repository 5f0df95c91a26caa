"""What loading a model took: a job that loads one says so in its log, where it is read again."""

import csv
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path


def read_benchmark(file: Path) -> dict[str, float]:
    """Column → number of a job's last run; empty without the file. A job too short to be looked at has `NA` or `-`."""
    try:
        with file.open(newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
    except (OSError, UnicodeDecodeError):
        return {}
    return dict(_numbers(rows[-1])) if rows else {}


def _numbers(row: dict[str, str]) -> Iterator[tuple[str, float]]:
    for name, text in row.items():
        try:
            yield name, float(text)
        except (TypeError, ValueError):
            continue


SAID = re.compile(r"model loaded in (\d+\.\d+) s$", re.MULTILINE)


def say_loaded(started: float, engine: str = "") -> None:
    """Say how long ago loading began (of time.monotonic) once it is done, behind what `engine` says."""
    print(f"{engine}model loaded in {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)


def load_seconds(log: Path) -> float:
    """Seconds that all loads of a job took together, from its log; 0 where it loaded none or left no log."""
    try:
        said = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    return sum(map(float, SAID.findall(said)))
