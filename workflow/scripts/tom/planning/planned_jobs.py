"""The jobs of a run that does not take place: Snakemake's own graph of them, and its own reasons."""

import shlex
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from tom.core.errors import UserError
from tom.core.job_times import read_benchmark
from tom.core.snakemake_internals import graph_of
from tom.engines.registry import changes_adapters
from tom.models.checkpoint_files import count_weights

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
    same_subject: bool  # of the same rule and subject, or scaled ones of the same rule alone


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
        comparable = Comparable(dag)
        jobs = [_planned(job, dag, timed, comparable, prefix) for job in dag.jobs if job.output]
        order = [rule.name.removeprefix(prefix) for rule in workflow.rules]
    return sorted(jobs, key=lambda job: (order.index(job.rule), job.outputs))


@dataclass(frozen=True)
class Earlier:
    """The earlier jobs of a rule and subject."""

    seconds: list[float]
    wildcards: Mapping[str, str]  # of one of them


class TimedJobs:
    """Earlier jobs that left a benchmark file, found by what rules call it."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self._found: dict[str, dict[str, Earlier]] = {}  # rule → subject

    def of(
        self, rule: str, pattern: "IOFile", subject: str, factor: Callable[[str, Mapping[str, str]], float | None]
    ) -> Timing | None:
        """Those of a rule and subject; of the rule's other subjects where there are none.

        pattern: the rule's. factor: from another subject, and the wildcards of one of its jobs, to what its seconds are
        multiplied by; None if they say nothing of this subject.
        """
        if rule not in self._found:
            self._found[rule] = self._earlier(pattern)
        found = self._found[rule]
        if subject in found:
            return Timing(mean(found[subject].seconds), len(found[subject].seconds), True)
        scaled = [(factor(name, other.wildcards), other.seconds) for name, other in found.items()]
        seconds = [times * each for times, others in scaled if times is not None for each in others]
        return Timing(mean(seconds), len(seconds), False) if seconds else None

    def _earlier(self, pattern: "IOFile") -> dict[str, Earlier]:
        found: dict[str, Earlier] = {}
        for file in self._files:
            if (match := pattern.match(str(file))) and "s" in (measured := read_benchmark(file)):
                of_job = match.groupdict()
                found.setdefault(subject_of(of_job), Earlier([], of_job)).seconds.append(measured["s"])
        return found


class Comparable:
    """Which timings of other subjects say something of a planned job, and how much longer it takes."""

    def __init__(self, dag: "DAG") -> None:
        self._memory = dag.workflow.persistence
        self._alike = defaultdict(set)  # request of a job → the subjects of the jobs that make the same
        for job in dag.jobs:
            self._alike[_request(job)].add(subject_of(job.wildcards_dict))
        self._made: dict[tuple[str, str], tuple[str | None, str | None]] = {}  # (rule, subject) → _made_by
        self._billions: dict[str, float | None] = {}

    def factor(self, job: "Job", other: str, wildcards: Mapping[str, str]) -> float | None:
        """As TimedJobs.of needs it."""
        rule, weights = self._made_by(job, other, wildcards)
        # Rules of which one replays a shard and another samples it call their files alike.
        if SHARDS in Path(job.output[0]).parts and not _same_rule(rule, job.rule.name):
            return None
        # On a GPU a small model takes about as long as a large one, if it asks for as much; so does what is written.
        if job.resources.get("gpu") or job.resources.get("disk_mb"):
            return 1.0 if other in self._alike[_request(job)] else None
        if not job.resources.get("engine"):
            return 1.0
        own = str(job.input.get("weights"))
        if weights is None or weights == own:
            return weights and 1.0
        sizes = self._size(own) or job.resources.get("million_weights", 0) / 1000, self._size(weights)
        return sizes[0] / sizes[1] if all(sizes) else None

    def _made_by(self, job: "Job", other: str, wildcards: Mapping[str, str]) -> tuple[str | None, str | None]:
        """The rule that made another subject's first output, and the weights that it read, as Snakemake remembers."""
        key = job.rule.name, other
        if key not in self._made:
            made = job.rule.output[0].apply_wildcards(wildcards)
            weights = (file for file in self._memory.input(made) or () if Path(file).name == "weights")
            self._made[key] = self._memory.rule(made), next(weights, None)
        return self._made[key]

    def _size(self, weights: str) -> float | None:
        """The billions of a model, counted where it was fetched, whatever its precision; None if it is not here."""
        if weights not in self._billions:
            folder = Path(weights).parent.with_name("fetched") / "weights"
            try:
                self._billions[weights] = count_weights(folder).get("billions") if folder.is_dir() else None
            except UserError:
                self._billions[weights] = None
        return self._billions[weights]


def _same_rule(made: str | None, rule: str) -> bool:
    """Whether two rules are the same, one of them perhaps of a module, which puts a name before it."""
    return made is not None and (made == rule or made.endswith(f"_{rule}") or rule.endswith(f"_{made}"))


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


def _request(job: "Job") -> tuple:
    return job.rule.name, *(job.resources.get(name) for name in ("gpu", "gpu_memory_mb", "runtime", "disk_mb"))


def _planned(job: "Job", dag: "DAG", timed: TimedJobs, comparable: Comparable, prefix: str) -> PlannedJob:
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
        timing=timed.of(job.rule.name, job.rule.benchmark, subject, partial(comparable.factor, job))
        if job.benchmark
        else None,
        after=tuple(Path(other.output[0]) for other in dag.job_dependencies(job) if other.output),
        turns={name: asked for name in TURNS if (asked := job.resources.get(name, 0))},
    )


def _engine(job: "Job") -> tuple[str, str]:
    """A shard's PlannedJob.engine and PlannedJob.loaded."""
    parts = [str(job.input.get(name)) for name in ("weights", "adapter") if job.input.get(name)]
    flag = "--engine="
    names = [word.removeprefix(flag) for word in shlex.split(job.params.get("answering", "")) if word.startswith(flag)]
    return " ".join(parts), " ".join(parts[:1] if any(map(changes_adapters, names)) else parts)
