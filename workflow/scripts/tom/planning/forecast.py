"""What planned jobs are expected to take: seconds, loads of a model, and bytes, from earlier jobs or from estimates.

Earlier jobs count as they were: a forecast knows nothing of what has changed since, be it the machine or the config.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tom.games.names import members
from tom.planning.planned_jobs import REASONS, SHARDS, PlannedJob
from tom.slurm.job_resources import OBSERVATION_BYTES, OTHER_SECONDS

BASES = ("measured", "other subjects", "estimate")
"""Earlier jobs of the rule and subject; of the rule; tom/slurm/job_resources.py, which is meant as a limit."""

COLUMNS: dict[str, pl.DataType] = {
    "stage": pl.String(),
    "rule": pl.String(),
    "subject": pl.String(),
    "output": pl.String(),  # the first of them
    "reason": pl.Enum(REASONS),  # null with nothing to do; so are all columns below
    "shard": pl.Boolean(),
    "loads": pl.Boolean(),  # whether it is the first of those that share a loaded model
    "threads": pl.Int64(),
    "gpus": pl.Int64(),
    "gpu_mb": pl.Int64(),  # memory of each GPU; null or 0 without any
    "memory_mb": pl.Int64(),  # main memory that is asked for; null where no model is held
    "seconds": pl.Float64(),  # null where nothing is known
    "seconds_from": pl.Enum(BASES),
    "timed": pl.Int64(),  # earlier jobs that `seconds` is the mean of
    "bytes": pl.Float64(),  # null where nothing is known
    "bytes_from": pl.Enum(BASES),
    "benchmark": pl.String(),
}


@dataclass(frozen=True)
class Sharing:
    """Which shards share a load of their model."""

    groups: Mapping[str, tuple[str, int]]
    """Rule → its group on a cluster and that group's most jobs; empty on one machine."""

    otherwise: int
    """How many of those in no group share a load; 0 for all of a model."""

    def loads(self, jobs: Iterable[PlannedJob]) -> list[bool]:
        """For each job: is it the first of those that share a load of the model that it asks?"""
        asked: Counter[tuple[str, str]] = Counter()
        first = []
        for job in jobs:
            group, size = self.groups.get(job.rule, ("", self.otherwise))
            model = job.engine if size else job.loaded
            before = asked[model, group]
            asked[model, group] += bool(model)
            first.append(bool(job.engine) and (before % size == 0 if size else before == 0))
        return first


def forecast(jobs: list[PlannedJob], sharing: Sharing, observations: int) -> pl.DataFrame:
    """One row of COLUMNS for each job. observations: of a game in a shard."""
    sizes = _sizes(jobs)
    due = [job for job in jobs if job.reason]
    loading = dict(zip((job.outputs for job in due), sharing.loads(due), strict=True))
    rows = []
    for job in jobs:
        row = {"stage": job.stage, "rule": job.rule, "subject": job.subject, "output": str(job.outputs[0])}
        if job.reason:
            seconds, seconds_from, timed = _seconds(job, loading[job.outputs])
            size, bytes_from = _bytes(job, sizes, observations)
            row |= {"reason": job.reason, "shard": is_shard(job), "loads": loading[job.outputs]}
            row |= {"threads": job.threads, "gpus": job.gpus, "gpu_mb": job.gpu_mb, "memory_mb": job.memory_mb}
            row |= {"seconds": seconds, "seconds_from": seconds_from, "timed": timed}
            row |= {"bytes": size, "bytes_from": bytes_from}
            row |= {"benchmark": str(job.benchmark) if job.benchmark else None}
        rows.append(row)
    return pl.DataFrame({name: [row.get(name) for row in rows] for name in COLUMNS}, schema=COLUMNS)


def is_shard(job: PlannedJob) -> bool:
    """Whether a job makes a shard."""
    return SHARDS in job.outputs[0].parts


def _seconds(job: PlannedJob, loads: bool) -> tuple[float | None, str | None, int]:
    """Of a job, on what they rest, and the number of earlier jobs; None and None where nothing is known."""
    if job.timing:
        return job.timing.seconds, BASES[0 if job.timing.same_subject else 1], job.timing.jobs
    # Of an endpoint's speed nothing is known before it has answered.
    if job.turns.get("endpoint"):
        return None, None, 0
    if job.minutes is None:
        return OTHER_SECONDS, BASES[2], 0
    loaded = not job.holds_model or (job.engine and not loads)
    known = loaded and job.work_seconds is not None
    return job.work_seconds if known else 60 * job.minutes, BASES[2], 0


def _sizes(jobs: list[PlannedJob]) -> dict[tuple[str, str], float]:
    """(rule, subject) → mean bytes of what its jobs have written, and (rule, "") → of all subjects' jobs."""
    found = defaultdict(list)
    for job in jobs:
        if all(file.exists() for file in job.outputs):
            size = sum(_size(file) for file in job.outputs)
            for subject in {job.subject, ""}:
                found[job.rule, subject].append(size)
    return {key: sum(sizes) / len(sizes) for key, sizes in found.items()}


def _size(file: Path) -> int:
    """Bytes of a file, or of all files below a folder; links are not followed."""
    files = [path for path in file.rglob("*") if not path.is_dir()] if file.is_dir() else [file]
    return sum(path.lstat().st_size for path in files)


def _bytes(job: PlannedJob, sizes: dict[tuple[str, str], float], observations: int) -> tuple[float | None, str | None]:
    """Of what a job writes, and on what they rest; None and None where nothing is known."""
    for subject, basis in ((job.subject, BASES[0]), ("", BASES[1])):
        if (job.rule, subject) in sizes:
            return sizes[job.rule, subject], basis
    if job.disk_mb is not None:
        return 1e6 * job.disk_mb, BASES[2]
    if not is_shard(job):
        return None, None
    games = len(members(job.outputs[0].parent.name))
    return float(OBSERVATION_BYTES * observations * games), BASES[2]
