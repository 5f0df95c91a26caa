"""What a run took, by Snakemake's benchmark files (one TSV for each job), and what of it were loads, by its logs."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tom.core.job_times import load_seconds, read_benchmark
from tom.core.roles import TEACHER
from tom.page.html_tables import Table, to_table
from tom.page.number_format import duration, grouped

BENCHMARKS = "benchmarks"
MEANINGS = {
    "stage": ("", "", "what the jobs did"),
    "jobs": ("", "", "how many there are"),
    "timed": ("", "", "how many of them left a benchmark file"),
    "seconds": ("", "s", "of all timed jobs together, by the clock"),
    "cpu_seconds": ("", "s", "of processor time; an engine that stays loaded between jobs is no part of it"),
    "load_seconds": (
        "",
        "s",
        "of the seconds by the clock, those in which a model was loaded, the engine's libraries included",
    ),
    "gpu_seconds": ("", "s", "by the clock, times the GPUs that the job had to itself"),
    "gpu_load_seconds": ("", "s", "of the GPU-seconds, those in which a model was loaded; the rest is work"),
    "peak_mib": ("", "MiB", "largest memory of one job"),
}


@dataclass(frozen=True)
class Job:
    """A job's stage, what its benchmark file and its log are called, and the GPUs that it asked for."""

    stage: str
    name: str
    gpus: int


def jobs_of(rates: pl.DataFrame, config: dict) -> list[Job]:
    """The jobs behind the page, those whose benchmark files are missing included.

    Named one by one: the results may hold files of earlier configs and of other targets. rates: of every split.
    """
    student = config["student"]["gpus"]
    roles = [name for name in (TEACHER, "student") if config[name]["engine"] in ("transformers", "vllm")]
    models = rates["model"].unique().sort().to_list()
    return [
        *(Job("fetch", f"fetch_model/{role}", 0) for role in roles),
        *(Job("convert", f"convert_model/{role}-{config[role]['precision']}", config[role]["gpus"]) for role in roles),
        *(
            Job(f"sample {model}", f"sample/{model}/{game}-{context}", _gpus_of(model, config))
            for model in models
            for game, context in rates.filter(model=model).select("game", "context").unique(maintain_order=True).rows()
        ),
        *(Job("train", f"train/all-seed{seed}", student) for seed in config["training"]["seeds"]),
        *(Job("evaluate", f"evaluate/{split}", 0) for split in rates["split"].unique(maintain_order=True)),
    ]


def _gpus_of(model: str, config: dict) -> int:
    return config[TEACHER if model == TEACHER else "student"].get("gpus", 0)


def total_durations(jobs: list[Job], results: Path) -> pl.DataFrame:
    """A row for each stage in the order of its first job, in the columns of MEANINGS."""
    stages: dict[str, list[tuple[Job, dict[str, float]]]] = {}
    for job in jobs:
        measured = read_benchmark(results / BENCHMARKS / f"{job.name}.tsv")
        loading = load_seconds(results / "logs" / f"{job.name}.log")
        stages.setdefault(job.stage, []).append((job, measured | {"loading": loading}))
    rows = []
    for stage, found in stages.items():
        timed = [(job, measured) for job, measured in found if "s" in measured]
        rows.append(
            {
                "stage": stage,
                "jobs": len(found),
                "timed": len(timed),
                "seconds": sum(measured["s"] for _, measured in timed),
                "cpu_seconds": sum(measured.get("cpu_time", 0.0) for _, measured in timed),
                "load_seconds": sum(measured["loading"] for _, measured in timed),
                "gpu_seconds": sum(job.gpus * measured["s"] for job, measured in timed),
                "gpu_load_seconds": sum(job.gpus * measured["loading"] for job, measured in timed),
                "peak_mib": max((measured.get("max_rss", 0.0) for _, measured in timed), default=None),
            }
        )
    counted = {"stage": pl.String, "jobs": pl.Int64, "timed": pl.Int64}
    return pl.DataFrame(rows, schema=dict.fromkeys(MEANINGS, pl.Float64) | counted)


def duration_table(durations: pl.DataFrame, results: Path) -> Table:
    """The durations as a table."""
    whole = durations.with_columns(pl.col(pl.Float64).round(0).cast(pl.Int64))
    return to_table(whole, MEANINGS, "durations-table", "Durations", "", [f"{results / BENCHMARKS}/"], ())


def duration_words(durations: pl.DataFrame) -> str:
    """The sums in a sentence."""
    total = durations.sum().row(0, named=True)
    words = f"{grouped(total['timed'])} of {grouped(total['jobs'])} jobs left a time: {duration(total['seconds'])} by"
    words += f" the clock, one after another, of which {duration(total['load_seconds'])} went into loading models,"
    words += (
        f" {grouped(round(total['cpu_seconds']))} CPU-seconds and {grouped(round(total['gpu_seconds']))} GPU-seconds"
    )
    if total["gpu_seconds"]:
        words += f" ({grouped(round(total['gpu_load_seconds']))} of them loading)"
    return words + ". Energy was not measured."
