"""What a run took: seconds from Snakemake's benchmark files (one TSV for each job), and loading times from the logs."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tom.core.errors import UserError
from tom.core.job_times import load_seconds, read_benchmark
from tom.page.html_tables import Table, to_table
from tom.reporting.wording import counted, duration, grouped
from tom.sampling.shard_paths import unpack_paths

MEANINGS = {
    "stage": ("", "", "what the jobs did"),
    "jobs": ("", "", "number of jobs"),
    "timed": ("", "", "how many of them left a benchmark file"),
    "seconds": ("", "s", "wall-clock time of all timed jobs together"),
    "cpu_seconds": ("", "s", "processor time, without engines that stay loaded between jobs"),
    "load_seconds": ("", "s", "part of the wall-clock time that went into loading models and the engine's libraries"),
    "gpu_seconds": ("", "s", "wall-clock time multiplied by the GPUs that the job had to itself"),
    "gpu_load_seconds": ("", "s", "part of the GPU-seconds that went into loading models; the rest is work"),
    "peak_mib": ("", "MiB", "largest memory of one job"),
}


@dataclass(frozen=True)
class Jobs:
    """Jobs of one stage. gpus: those that each asked for. names: of their benchmark files and logs, without suffix."""

    stage: str
    gpus: int
    names: tuple[str, ...]


def jobs_from_words(words: list[str]) -> Jobs:
    """STAGE GPUS NAME..., whose names may be packed (tom/sampling/shard_paths.py). Errors: UserError."""
    match words:
        case [stage, gpus, *names] if gpus.isdecimal():
            return Jobs(stage, int(gpus), tuple(dict.fromkeys(unpack_paths(names))))
    raise UserError(f"--jobs {' '.join(words)}: needs a stage, a number of GPUs and the names of the jobs")


def total_durations(stages: Iterable[Jobs], benchmarks: Path, logs: Path) -> pl.DataFrame:
    """A row for each stage, in the columns of MEANINGS. benchmarks, logs: the folders of the jobs' files."""
    rows = []
    for jobs in stages:
        measured = {name: read_benchmark(benchmarks / f"{name}.tsv") for name in jobs.names}
        timed = {name: found for name, found in measured.items() if "s" in found}
        seconds = sum(found["s"] for found in timed.values())
        loading = sum(load_seconds(logs / f"{name}.log") for name in timed)
        rows.append(
            {
                "stage": jobs.stage,
                "jobs": len(jobs.names),
                "timed": len(timed),
                "seconds": seconds,
                "cpu_seconds": sum(found.get("cpu_time", 0.0) for found in timed.values()),
                "load_seconds": loading,
                "gpu_seconds": jobs.gpus * seconds,
                "gpu_load_seconds": jobs.gpus * loading,
                "peak_mib": max((found.get("max_rss", 0.0) for found in timed.values()), default=None),
            }
        )
    counted = {"stage": pl.String, "jobs": pl.Int64, "timed": pl.Int64}
    return pl.DataFrame(rows, schema=dict.fromkeys(MEANINGS, pl.Float64) | counted)


def duration_table(durations: pl.DataFrame, benchmarks: Path) -> Table:
    """The durations as a table."""
    whole = durations.with_columns(pl.col(pl.Float64).round(0).cast(pl.Int64))
    return to_table(whole, MEANINGS, "durations-table", "Durations", "", [f"{benchmarks}/"], ())


def duration_words(durations: pl.DataFrame) -> str:
    """The sums in a sentence."""
    total = durations.sum().row(0, named=True)
    words = f"{grouped(total['timed'])} of {counted(total['jobs'], 'job')} have a recorded time. One after another they"
    words += (
        f" took {duration(total['seconds'])} by the clock, of which {duration(total['load_seconds'])} went into loading"
    )
    words += f" models; {grouped(round(total['cpu_seconds']))} CPU-seconds and"
    words += f" {grouped(round(total['gpu_seconds']))} GPU-seconds"
    if total["gpu_seconds"]:
        words += f" ({grouped(round(total['gpu_load_seconds']))} of them loading)"
    return words + ". Energy was not measured."
