"""A plan beside what then happened: seconds of the jobs that have left a benchmark file since."""

from pathlib import Path

import polars as pl

from tom.core.errors import UserError
from tom.core.job_times import read_benchmark
from tom.planning.forecast import COLUMNS
from tom.planning.plan_lines import due_jobs
from tom.reporting.tables import markdown_table


def read_plan(file: Path) -> pl.DataFrame:
    """A plan. Errors: UserError if there is none, or it is another version's."""
    try:
        plan = pl.read_parquet(file)
    except FileNotFoundError:
        raise UserError(f"{file}: no such plan; run snakemake plan before the run") from None
    except pl.exceptions.PolarsError:
        raise UserError(f"{file}: not a Parquet table; plan again") from None
    if dict(plan.schema) != COLUMNS:
        raise UserError(f"{file}: not a plan of this version; plan again")
    return plan


def actual_seconds(plan: pl.DataFrame, planned: float) -> pl.DataFrame:
    """The jobs that were to run, and by the clock what they took: `actual`, null without a later benchmark file.

    planned: when the plan was made, in seconds since 1970.
    """
    due = due_jobs(plan)
    actual = [_since(Path(file), planned) if file else None for file in due["benchmark"]]
    return due.with_columns(actual=pl.Series(actual, dtype=pl.Float64))


def _since(file: Path, planned: float) -> float | None:
    try:
        return read_benchmark(file).get("s") if file.stat().st_mtime >= planned else None
    except FileNotFoundError:
        return None


def review_lines(jobs: pl.DataFrame) -> list[str]:
    """Forecast and actual seconds of the timed jobs by rule, and all together. jobs: actual_seconds'."""
    if jobs.is_empty():
        return ["The plan had nothing to do."]
    by_rule = jobs.partition_by("rule", maintain_order=True)
    rows = [*([part["rule"][0], *_compared(part)] for part in by_rule), ["all", *_compared(jobs)]]
    header = ["rule", "planned", "timed", "from", "forecast s", "actual s", "ratio"]
    return [
        *markdown_table(header, rows),
        "",
        "Seconds by the clock, of the jobs that were planned and have been timed since. Ratio: actual / forecast.",
    ]


def _compared(jobs: pl.DataFrame) -> list[str]:
    timed = jobs.drop_nulls("actual")
    numbers = [str(jobs.height), str(timed.height), ", ".join(jobs["seconds_from"].drop_nulls().unique().sort())]
    if timed.is_empty():
        return [*numbers, "", "", ""]
    forecast, actual = timed["seconds"].sum(), timed["actual"].sum()
    # Where nothing was expected of a job, there is nothing to compare.
    ratio = f"{actual / forecast:.2f}" if forecast and not timed["seconds"].has_nulls() else ""
    return [*numbers, f"{forecast:.1f}", f"{actual:.1f}", ratio]
