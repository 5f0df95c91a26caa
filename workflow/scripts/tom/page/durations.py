"""What a run took, from Snakemake's benchmark files: one TSV for each job."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tom.benchmark_files import read_benchmark
from tom.models import TEACHER
from tom.page.html_tables import Table, to_table
from tom.page.numbers import duration, grouped

MEANINGS = {
    "stage": ("", "", "what the jobs did"),
    "jobs": ("", "", "how many there are"),
    "timed": ("", "", "how many of them left a benchmark file"),
    "seconds": ("", "s", "of all timed jobs together, by the clock"),
    "cpu_seconds": ("", "s", "of processor time; an engine that stays loaded between jobs is no part of it"),
    "gpu_seconds": ("", "s", "by the clock, times the GPUs that the job had to itself"),
    "peak_mib": ("", "MiB", "largest memory of one job"),
}


@dataclass(frozen=True)
class Job:
    """A job's stage, its benchmark file, and the GPUs that it asked for."""

    stage: str
    file: Path
    gpus: int


def jobs_of(rates: pl.DataFrame, config: dict, folder: Path) -> list[Job]:
    """The jobs behind the page, those whose benchmark files are missing included.

    Named one by one: the folder may hold files of earlier configs and of other targets. rates: of every split.
    """
    student = config["student"]["gpus"]
    roles = [name for name in (TEACHER, "student") if config[name]["engine"] in ("transformers", "vllm")]
    models = rates["model"].unique().sort().to_list()
    return [
        *(Job("fetch", folder / f"fetch_model/{role}.tsv", 0) for role in roles),
        *(
            Job("convert", folder / f"convert_model/{role}-{config[role]['precision']}.tsv", config[role]["gpus"])
            for role in roles
        ),
        *(
            Job(f"sample {model}", folder / f"sample/{model}/{game}-{context}.tsv", _gpus_of(model, config))
            for model in models
            for game, context in rates.filter(model=model).select("game", "context").unique(maintain_order=True).rows()
        ),
        *(Job("train", folder / f"train/all-seed{seed}.tsv", student) for seed in config["training"]["seeds"]),
        *(Job("evaluate", folder / f"evaluate/{split}.tsv", 0) for split in rates["split"].unique(maintain_order=True)),
    ]


def _gpus_of(model: str, config: dict) -> int:
    return config[TEACHER if model == TEACHER else "student"].get("gpus", 0)


def total_durations(jobs: list[Job]) -> pl.DataFrame:
    """A row for each stage in the order of its first job, in the columns of MEANINGS."""
    stages: dict[str, list[tuple[Job, dict[str, float]]]] = {}
    for job in jobs:
        stages.setdefault(job.stage, []).append((job, read_benchmark(job.file)))
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
                "gpu_seconds": sum(job.gpus * measured["s"] for job, measured in timed),
                "peak_mib": max((measured.get("max_rss", 0.0) for _, measured in timed), default=None),
            }
        )
    counted = {"stage": pl.String, "jobs": pl.Int64, "timed": pl.Int64}
    return pl.DataFrame(rows, schema=dict.fromkeys(MEANINGS, pl.Float64) | counted)


def duration_table(durations: pl.DataFrame, folder: Path) -> Table:
    """The durations as a table."""
    whole = durations.with_columns(pl.col(pl.Float64).round(0).cast(pl.Int64))
    return to_table(whole, MEANINGS, "durations-table", "Durations", "", [f"{folder}/"], ())


def duration_words(durations: pl.DataFrame) -> str:
    """The sums in a sentence."""
    seconds, cpu, gpu = (durations[name].sum() for name in ("seconds", "cpu_seconds", "gpu_seconds"))
    timed, jobs = durations["timed"].sum(), durations["jobs"].sum()
    words = f"{grouped(timed)} of {grouped(jobs)} jobs left a time: {duration(seconds)} by the clock, one after another"
    words += f", {grouped(round(cpu))} CPU-seconds and {grouped(round(gpu))} GPU-seconds."
    return words + " Energy was not measured."
