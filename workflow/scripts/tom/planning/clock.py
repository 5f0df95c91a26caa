"""How long a planned run takes by the clock on one machine: simple arithmetic, and no simulation of its scheduler."""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

import polars as pl

from tom.planning.forecast import BASES
from tom.planning.plan_lines import due_jobs
from tom.planning.planned_jobs import PlannedJob
from tom.reporting.wording import counted

CHAIN = "the longest chain of jobs, each of which waits for the one before"
TAKEN_IN_TURN = {"gpu": "all jobs that take turns on GPUs", "endpoint": "all jobs that ask the endpoint in turn"}


@dataclass(frozen=True)
class Machine:
    """What a run may use at a time."""

    cores: int
    limits: Mapping[str, int]
    """Resource of TURNS (planned_jobs.py) → its most; any number where it is left out."""


def clock_seconds(jobs: list[PlannedJob], plan: pl.DataFrame, machine: Machine) -> tuple[float, str]:
    """What a run takes at least if its jobs take what is expected, and what needs that long; "" for all cores.

    It is the longest of: the cores' seconds of all jobs over the cores, those of a limited resource over its limit, and
    the longest chain of jobs. plan: forecast's of these jobs.
    """
    due = [
        (job, seconds) for job, seconds in zip(jobs, plan["seconds"], strict=True) if job.reason and seconds is not None
    ]
    found = {"": sum(min(job.threads, machine.cores) * seconds for job, seconds in due) / machine.cores}
    for name, limit in machine.limits.items():
        found[TAKEN_IN_TURN[name]] = sum(min(job.turns.get(name, 0), limit) * seconds for job, seconds in due) / limit
    found[CHAIN] = _longest_chain(due)
    longest = max(found, key=found.get)
    return found[longest], longest


def _longest_chain(due: list[tuple[PlannedJob, float]]) -> float:
    """Seconds from the start of the first job to the end of the last one, with as many cores as it takes."""
    seconds = {job.outputs[0]: each for job, each in due}
    before = {job.outputs[0]: [output for output in job.after if output in seconds] for job, _ in due}
    ends = {}
    for output in TopologicalSorter(before).static_order():
        ends[output] = seconds[output] + max((ends[other] for other in before[output]), default=0)
    return max(ends.values(), default=0)


def clock_line(jobs: list[PlannedJob], plan: pl.DataFrame, machine: Machine) -> str:
    """How long the run takes by the clock, with what that assumes; empty if there is nothing to do."""
    if plan["reason"].null_count() == plan.height:
        return ""
    seconds, longest = clock_seconds(jobs, plan, machine)
    # A limit on each job is none on the whole, since cores may be idle.
    limits = ""
    if BASES[1] in plan["seconds_from"]:
        limits = " Times of other models, seeds or splits are part of it, so it is no bound."
    elif BASES[2] in plan["seconds_from"]:
        limits = " Estimates are part of it: they are limits, so it is likely to be less."
    if due_jobs(plan)["seconds"].has_nulls():
        limits += " The endpoint's answers come on top."
    why = f"as long as {longest}, if nothing else holds them up" if longest else "if no core is ever idle"
    cores = f"{counted(machine.cores, 'core')} (--cores of this command)"
    return f"by the clock: about {_in_words(seconds)} on {cores}, {why}.{limits} The start of Snakemake is not counted."


def _in_words(seconds: float) -> str:
    """`40 seconds`, `12 minutes` or `2.5 hours`."""
    if seconds < 90:
        return counted(round(seconds), "second")
    return f"{seconds / 60:.0f} minutes" if seconds < 90 * 60 else f"{seconds / 3600:.1f} hours"
