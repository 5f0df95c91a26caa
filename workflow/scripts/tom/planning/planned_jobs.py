"""The jobs of a run that does not take place: Snakemake's own graph of them, and its own reasons."""

import shlex
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from tom.core.job_times import read_benchmark
from tom.core.snakemake_internals import graph_of
from tom.engines.registry import changes_adapters

if TYPE_CHECKING:
    from snakemake.dag import DAG
    from snakemake.io import IOFile
    from snakemake.jobs import Job, Reason

CELL = ("game", "context")
SHARDS = "shards"
TURNS = ("gpu", "endpoint")
"""Resources of which a machine has few, so that jobs wait for one another."""
REASONS = ("missing output", "incomplete output", "code", "params", "inputs", "upstream", "other")
"""Why a job runs: the first of them that holds. upstream: jobs of the same run remake its inputs."""


@dataclass(frozen=True)
class Timing:
    """What earlier jobs took by the clock."""

    seconds: float  # mean
    jobs: int
    same_subject: bool  # of the same rule and subject, or of the same rule alone


@dataclass(frozen=True)
class PlannedJob:
    """A job that a target needs, whether it has to run or not."""

    stage: str  # the file of workflow/rules that its rule stands in
    rule: str
    subject: str  # its model, seed, split, ...: its wildcards other than the cell's
    outputs: tuple[Path, ...]
    reason: str | None = None  # of REASONS; None with nothing to do
    threads: int = 1
    gpus: int = 0
    gpu_mb: int | None = None  # memory that it needs of each GPU
    memory_mb: int | None = None  # main memory that it asks for, if it holds a model
    minutes: int | None = None  # that a cluster is asked for; None where the rule asks for none
    work_seconds: int | None = None  # of these what is left without loading a model
    holds_model: bool = True  # whether these minutes, if it has both, are longer by a load
    disk_mb: int | None = None  # likewise
    engine: str = ""  # the weights and the adapter of a shard's loaded model; empty without one
    loaded: str = ""  # of these what stays loaded from a base to its students
    benchmark: Path | None = None
    timing: Timing | None = None  # of earlier jobs
    after: tuple[Path, ...] = ()  # the first outputs of the jobs whose files it reads
    turns: Mapping[str, int] = field(default_factory=dict)  # what it asks for of what is limited on one machine


def planned_jobs(
    target: str, snakefile: Path, configfiles: list[Path], config: Mapping, benchmarks: Path, prefix: str = ""
) -> list[PlannedJob]:
    """Every job that a target needs and that writes something, by rule and output. Nothing is run, locked or written.

    configfiles, config: as on the command line of the run. benchmarks: the folder of all benchmark files. prefix: what
    stands before the names of the rules of a module, and is left out. Errors: UserError if Snakemake can't plan the
    target; it has said why.
    """
    with graph_of({target}, snakefile, configfiles, config) as workflow:
        dag = workflow.dag
        timed = TimedJobs(sorted(benchmarks.rglob("*.tsv")))
        alike = _alike(dag)
        jobs = [_planned(job, dag, timed, alike, prefix) for job in dag.jobs if job.output]
        order = [rule.name.removeprefix(prefix) for rule in workflow.rules]
    return sorted(jobs, key=lambda job: (order.index(job.rule), job.outputs))


class TimedJobs:
    """Earlier jobs that left a benchmark file, found by what rules call it."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self._seconds: dict[str, dict[str, list[float]]] = {}  # rule → subject → each job's
        self._timings: dict[tuple[str, str, frozenset[str] | None], Timing | None] = {}

    def of(self, rule: str, pattern: "IOFile", subject: str, alike: frozenset[str] | None = None) -> Timing | None:
        """Those of a rule and subject; of the rule's other subjects where there are none.

        pattern: the rule's. alike: which other subjects count; None for all.
        """
        key = rule, subject, alike
        if key not in self._timings:
            self._timings[key] = self._timing(rule, pattern, subject, alike)
        return self._timings[key]

    def _timing(self, rule: str, pattern: "IOFile", subject: str, alike: frozenset[str] | None) -> Timing | None:
        if rule not in self._seconds:
            self._seconds[rule] = {}
            for file in self._files:
                if (match := pattern.match(str(file))) and "s" in (measured := read_benchmark(file)):
                    self._seconds[rule].setdefault(subject_of(match.groupdict()), []).append(measured["s"])
        found = self._seconds[rule]
        seconds = found.get(subject) or [
            each for other, others in found.items() if alike is None or other in alike for each in others
        ]
        return Timing(mean(seconds), len(seconds), subject in found) if seconds else None


def subject_of(wildcards: Mapping[str, str]) -> str:
    """What a job is about besides its cell: the values of its other wildcards, by their names."""
    return " ".join(wildcards[name] for name in sorted(wildcards) if name not in CELL)


def first_reason(reason: "Reason") -> str:
    """Which of REASONS Snakemake gives."""
    holds = {
        "missing output": reason.missing_output,
        # A plan forces nothing but these.
        "incomplete output": reason.incomplete_output or reason.forced,
        "code": reason.code_changed,
        "params": reason.params_changed,
        "inputs": reason.updated_input or reason.input_changed,
        "upstream": reason.updated_input_run,
        "other": True,
    }
    return next(name for name in REASONS if holds[name])


def _alike(dag: "DAG") -> dict[tuple, frozenset[str]]:
    """Request of a job → the subjects of the jobs that make the same."""
    found = defaultdict(set)
    for job in dag.jobs:
        found[_request(job)].add(subject_of(job.wildcards_dict))
    return {request: frozenset(subjects) for request, subjects in found.items()}


def _request(job: "Job") -> tuple:
    return job.rule.name, *(job.resources.get(name) for name in ("gpu", "gpu_memory_mb", "runtime", "disk_mb"))


def _planned(
    job: "Job", dag: "DAG", timed: TimedJobs, alike: Mapping[tuple, frozenset[str]], prefix: str
) -> PlannedJob:
    # What a large model takes says nothing of a small one's jobs. Elsewhere any earlier job is better than a limit.
    of_its_size = job.resources.get("gpu") or job.resources.get("disk_mb")
    others = alike[_request(job)] if of_its_size else None
    subject = subject_of(job.wildcards_dict)
    outputs = tuple(Path(file) for file in job.output)
    engine, loaded = _engine(job) if SHARDS in outputs[0].parts else ("", "")
    return PlannedJob(
        stage=Path(str(job.rule.snakefile)).stem,
        rule=job.rule.name.removeprefix(prefix),
        subject=subject,
        outputs=outputs,
        reason=first_reason(dag.reason(job)) if dag.needrun(job) else None,
        threads=job.threads,
        gpus=job.resources.get("gpu", 0),
        gpu_mb=job.resources.get("gpu_memory_mb"),
        memory_mb=job.resources.get("mem_mb") if job.resources.get("engine") else None,
        minutes=job.resources.get("runtime"),
        work_seconds=job.resources.get("work_seconds"),
        holds_model=bool(job.resources.get("engine")),
        disk_mb=job.resources.get("disk_mb"),
        engine=engine,
        loaded=loaded,
        benchmark=Path(job.benchmark) if job.benchmark else None,
        timing=timed.of(job.rule.name, job.rule.benchmark, subject, others) if job.benchmark else None,
        after=tuple(Path(other.output[0]) for other in dag.job_dependencies(job) if other.output),
        turns={name: asked for name in TURNS if (asked := job.resources.get(name, 0))},
    )


def _engine(job: "Job") -> tuple[str, str]:
    """A shard's PlannedJob.engine and PlannedJob.loaded."""
    parts = [str(job.input.get(name)) for name in ("weights", "adapter") if job.input.get(name)]
    flag = "--engine="
    names = [word.removeprefix(flag) for word in shlex.split(job.params.get("answering", "")) if word.startswith(flag)]
    return " ".join(parts), " ".join(parts[:1] if any(map(changes_adapters, names)) else parts)
