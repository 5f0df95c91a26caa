"""The learning curve: what students close of the gap against what it took, in observations and in seconds.

Seconds are those of the training job, as Snakemake's benchmark file has them: loading the student is part of them, of a
training that was interrupted only what came after, and CPU time is measured at times, last within half a minute of the
end. They grow little with the observations, since a pass
computes each distinct reply once however often it occurred; what takes longer is refinement, which ends where the
student is as near to the teacher as that many observations can show.
"""

import re
from pathlib import Path

import polars as pl

from tom.core.errors import UserError
from tom.core.roles import TEACHER
from tom.evaluation.students_table import ALL

SECONDS = ("cpu_seconds", "wall_seconds", "gpu_seconds")


def read_timings(groups: dict[str, list[Path]], gpus: int) -> pl.DataFrame:
    """Columns observations, predictor, and SECONDS for every student and their mean; null where nothing was measured.

    groups: group → its trainings' benchmark files, …seed{n}.tsv. gpus: of each training; GPU-seconds are these times
    the wall clock's, and null without one.
    """
    rows = []
    for group, files in groups.items():
        for file in files:
            seed = re.search(r"seed(\d+)$", file.stem)
            if seed is None:
                raise UserError(f"{file}: not the benchmark of a training (…seed1.tsv)")
            rows.append({"observations": group, "predictor": f"tuned-seed{seed[1]}"} | read_timing(file, gpus))
    timings = pl.DataFrame(rows, schema={"observations": pl.String, "predictor": pl.String} | _types())
    means = timings.group_by("observations", maintain_order=True).agg(pl.col(SECONDS).mean())
    return pl.concat([timings, means.select("observations", pl.lit("tuned").alias("predictor"), *SECONDS)])


def read_timing(file: Path, gpus: int) -> dict[str, float | None]:
    """SECONDS of one job. Errors: UserError unless it is a benchmark file of Snakemake."""
    try:
        # A job that ends before Snakemake first looks has no CPU time there.
        rows = pl.read_csv(file, separator="\t", null_values=["NA", "-"], schema_overrides={"cpu_time": pl.Float64})
        wall, cpu = rows.select(pl.col("s").cast(pl.Float64), "cpu_time").row(0)
    except (FileNotFoundError, pl.exceptions.PolarsError) as error:
        raise UserError(f"{file}: no benchmark of a training ({str(error).splitlines()[0]})") from None
    return {"cpu_seconds": cpu, "wall_seconds": wall, "gpu_seconds": wall * gpus if gpus else None}


def learning_curve(table: pl.DataFrame, untuned: pl.DataFrame | pl.LazyFrame, timings: pl.DataFrame) -> pl.DataFrame:
    """A table of students by `observations` with these as numbers, and with SECONDS.

    untuned: the teacher's shards, whose fullest cell says how many `all` of them are.
    """
    sizes = untuned.lazy().filter(model=TEACHER, record="observation").group_by("game", "context").len()
    whole = str(sizes.select(pl.col("len").max()).collect(engine="streaming").item())
    joined = table.join(timings, on=["observations", "predictor"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("observations").replace(ALL, whole).cast(pl.Int64))


def _types() -> dict:
    return dict.fromkeys(SECONDS, pl.Float64)
