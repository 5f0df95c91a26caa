"""Snakemake's benchmark files: one TSV for each job, with a line for each repetition."""

import csv
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
