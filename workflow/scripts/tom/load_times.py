"""What loading a model took: a job that loads one says so in its log, where it is read again."""

import re
import sys
import time
from pathlib import Path

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
