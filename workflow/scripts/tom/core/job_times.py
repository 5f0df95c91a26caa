"""How long jobs took: Snakemake's benchmark files, and model loading times written to and read from job logs."""

import csv
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path


def read_benchmark(file: Path) -> dict[str, float]:
    """The numeric columns of a job's last run; empty if the file is missing or unreadable.

    Snakemake writes `NA` or `-` for jobs that end before the first measurement; these columns are left out.
    """
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


_LOADED = re.compile(r"model loaded in (\d+\.\d+) s$", re.MULTILINE)


def say_loaded(started: float, engine: str = "") -> None:
    """Report on stderr that a model is loaded, and how long that took.

    started: time.monotonic() at the start of loading. engine: a prefix of the message.
    """
    print(f"{engine}model loaded in {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)


def load_seconds(log: Path) -> float:
    """Total model loading time in a job's log, in seconds; 0 if it loaded no model or has no log."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    return sum(map(float, _LOADED.findall(text)))
