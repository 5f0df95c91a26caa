"""The learning curve: the gap that students close, by observations taught and by seconds of training.

Seconds are those of the training job in Snakemake's benchmark file. They include loading the student. Of an interrupted
training they hold only what came after the interruption. CPU time is sampled, last within half a minute of the end.
Seconds grow little with the observations, since an epoch computes each distinct reply once, however often it occurred.
Refinement takes longer: it ends where the student is as near to the teacher as that many observations can show.
"""

import re
from pathlib import Path

import polars as pl

from tom.core.errors import UserError
from tom.core.roles import TEACHER

ALL = "all"
"""The group of the students that were taught all observations."""

SECONDS = ("cpu_seconds", "wall_seconds", "gpu_seconds")


def read_timings(groups: dict[str, list[Path]], gpus: int) -> pl.DataFrame:
    """Columns observations, predictor and SECONDS of each student and of their mean; null where nothing was measured.

    groups: group → the benchmark files of its trainings, …seed{n}.tsv. gpus: of each training. GPU-seconds are the
    wall-clock seconds times the GPUs, and null without one. Errors: UserError names a file that is no such benchmark.
    """
    rows = []
    for group, files in groups.items():
        for file in files:
            seed = re.search(r"seed(\d+)$", file.stem)
            if seed is None:
                raise UserError(f"{file}: not named as the benchmark file of a training (…seed1.tsv)")
            rows.append({"observations": group, "predictor": f"tuned-seed{seed[1]}"} | read_timing(file, gpus))
    timings = pl.DataFrame(rows, schema={"observations": pl.String, "predictor": pl.String} | _types())
    means = timings.group_by("observations", maintain_order=True).agg(pl.col(SECONDS).mean())
    return pl.concat([timings, means.select("observations", pl.lit("tuned").alias("predictor"), *SECONDS)])


def read_timing(file: Path, gpus: int) -> dict[str, float | None]:
    """SECONDS of one job. Errors: UserError unless the file is a benchmark of Snakemake."""
    try:
        # A job that ends before Snakemake's first measurement has no CPU time.
        rows = pl.read_csv(file, separator="\t", null_values=["NA", "-"], schema_overrides={"cpu_time": pl.Float64})
        wall, cpu = rows.select(pl.col("s").cast(pl.Float64), "cpu_time").row(0)
    except (FileNotFoundError, pl.exceptions.PolarsError) as error:
        raise UserError(f"{file}: not the benchmark file of a training ({str(error).splitlines()[0]})") from None
    return {"cpu_seconds": cpu, "wall_seconds": wall, "gpu_seconds": wall * gpus if gpus else None}


def learning_curve(table: pl.DataFrame, untuned: pl.DataFrame | pl.LazyFrame, timings: pl.DataFrame) -> pl.DataFrame:
    """The table of students by `observations`, these as numbers, with SECONDS added.

    table: from students_table. untuned: shards with the teacher's; its fullest cell says how many observations `all`
    is. timings: from read_timings.
    """
    sizes = untuned.lazy().filter(model=TEACHER, record="observation").group_by("game", "context").len()
    whole = str(sizes.select(pl.col("len").max()).collect(engine="streaming").item())
    joined = table.join(timings, on=["observations", "predictor"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("observations").replace(ALL, whole).cast(pl.Int64))


def _types() -> dict:
    return dict.fromkeys(SECONDS, pl.Float64)
