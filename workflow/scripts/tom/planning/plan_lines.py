"""A plan as tables for people: what runs by stage and rule, what it is expected to take, and why."""

from itertools import zip_longest

import polars as pl

from tom.planning.forecast import BASES
from tom.planning.planned_jobs import REASONS
from tom.reporting.tables import markdown_table
from tom.reporting.wording import counted

TRAINING = "train_adapter"
"""The rule that trains."""


def budget_line(observations: int, cells: int, games: int) -> str:
    """What a training is bought with. observations: of the teacher in each of its cells, at most."""
    return (
        f"taught: {observations * cells:,} observations of the teacher at most, {observations} in each of"
        f" {counted(cells, 'cell')} of {counted(games, 'game')} (docs/findings.md says how to spend them)."
    )


def plan_lines(plan: pl.DataFrame, target: str, steps: list[str], gradients_mb: int) -> list[str]:
    """The plan of a target: what its stages take, what its rules take, why they run, and what a training does.

    Tables are at most 100 columns wide as long as rules have their own names.

    plan: forecast's. steps: in words, the steps of the config's own student, and what else there is to say of its
    training. gradients_mb: the memory of its Gauss-Newton steps.
    """
    due = due_jobs(plan)
    if due.is_empty():
        return [f"Plan of `{target}`: nothing to do, all {plan.height} jobs are done."]
    by_stage = plan.partition_by("stage", maintain_order=True)
    by_rule = [rule for stage in by_stage for rule in stage.partition_by("rule", maintain_order=True)]
    with_gpus = (due["gpus"] > 0).any()
    # An estimate is a limit.
    most = "max " if BASES[2] in due["seconds_from"] else ""
    costs = ["jobs", "done", "shards", "loads", f"{most}CPU-h", *([f"{most}GPU-h"] if with_gpus else []), "MB"]
    memory = ["GPU GB"] if (due["gpu_mb"] > 0).any() else []
    return [
        f"Plan of `{target}`: {counted(due.height, 'job')} to run, {plan.height - due.height} done.",
        "",
        *markdown_table(
            ["stage", *costs],
            [
                *([jobs["stage"][0], *_costs(jobs, with_gpus)] for jobs in by_stage),
                ["all", *_costs(plan, with_gpus)],
            ],
        ),
        "",
        *markdown_table(["rule", *costs], [[jobs["rule"][0], *_costs(jobs, with_gpus)] for jobs in by_rule]),
        "",
        *markdown_table(
            ["rule", "s a job", *memory, "from", "why"],
            [row for jobs in by_rule for row in _grounds(due_jobs(jobs), bool(memory))],
        ),
        "",
        *_notes(due),
        *(_training(steps, gradients_mb) if TRAINING in due["rule"] else []),
    ]


def _training(steps: list[str], gradients_mb: int) -> list[str]:
    counted, *warnings = steps
    lines = [f"training: {counted} (tuned students of the config; those of studies may differ).", *warnings]
    if gradients_mb:
        lines.append(f"Gauss-Newton steps: some {gradients_mb} MB of main memory for the gradients of all prompts.")
    return lines


def hours(jobs: pl.DataFrame, gpus: bool) -> float:
    """GPU-hours of the jobs that ask for GPUs, or CPU-hours, by the threads, of those that ask for none."""
    asked = jobs.filter((pl.col("gpus") > 0) == gpus)
    return (asked["seconds"] * asked["gpus" if gpus else "threads"]).sum() / 3600


def due_jobs(jobs: pl.DataFrame) -> pl.DataFrame:
    """Those of a plan's jobs that are to run."""
    return jobs.filter(pl.col("reason").is_not_null())


def _costs(jobs: pl.DataFrame, with_gpus: bool) -> list[str]:
    due = due_jobs(jobs)
    numbers = [due.height, jobs.height - due.height, due["shard"].sum(), due["loads"].sum()]
    size = "" if due["bytes"].null_count() == due.height else f"{due['bytes'].sum() / 1e6:.1f}"
    on_gpus = [f"{hours(due, True):.2f}"] if with_gpus else []
    return [*map(str, numbers), f"{hours(due, False):.2f}", *on_gpus, size]


def _gpu_memory(due: pl.DataFrame) -> str:
    """The most memory that a job needs of each of its GPUs, in GB, on so many of them."""
    asked = due.filter(pl.col("gpu_mb") > 0).sort("gpu_mb", "gpus")
    if asked.is_empty():
        return ""
    largest = asked.row(-1, named=True)
    return (
        f"{largest['gpu_mb'] / 1000:.0f} x {largest['gpus']}"
        if largest["gpus"] > 1
        else f"{largest['gpu_mb'] / 1000:.0f}"
    )


def _grounds(due: pl.DataFrame, with_memory: bool) -> list[list[str]]:
    """Seconds of a rule's job, on what they rest, and why its jobs run; more lines where there is more than one."""
    if due.is_empty():
        return []
    reasons = [(reason, due.filter(reason=reason).height) for reason in REASONS]
    why = [f"{reason} ({number})" for reason, number in reasons if number]
    first = [due["rule"][0], f"{due['seconds'].mean():.1f}", *([_gpu_memory(due)] if with_memory else [])]
    return [
        [*(first if line == 0 else [""] * len(first)), *pair]
        for line, pair in enumerate(zip_longest(_basis(due), why, fillvalue=""))
    ]


def _basis(due: pl.DataFrame) -> list[str]:
    """On what the seconds of a rule rest; jobs that were measured with their number."""
    words = []
    for basis in BASES:
        if (found := due.filter(seconds_from=basis)).height:
            timed = found.select("subject", "timed").unique()["timed"]
            earlier = timed.sum() if basis == BASES[0] else timed.max()
            words.append(f"{basis} ({earlier})" if earlier else basis)
    return words


def _notes(due: pl.DataFrame) -> list[str]:
    lines = ["why: the first reason that Snakemake has; upstream: only that this run makes the inputs anew."]
    lines.append("done: made by an earlier run, and nothing has changed since.")
    lines += ["s a job: by the clock. measured: the mean of so many earlier jobs (their benchmark files)."]
    if BASES[1] in due["seconds_from"]:
        lines.append(
            "other subjects: the same rule for other models, seeds or splits; on GPUs, if they ask for as much."
        )
        if due.filter(rule=TRAINING, seconds_from=BASES[1]).height:
            lines.append("A training takes longer than another by as much as it has more prompts times epochs.")
    if BASES[2] in due["seconds_from"]:
        lines.append("estimate: what a cluster is asked for, a limit and no prediction (tom/slurm/job_resources.py).")
    lines.append("loads: of a model, at least; shards that follow one another share an engine.")
    if (due["gpu_mb"] > 0).any():
        lines.append("GPU GB: what the largest job needs of each GPU, by arithmetic (docs/gpu.md).")
    if unknown := due["bytes"].null_count():
        lines.append(f"MB: without {unknown} jobs of which none has written anything yet.")
    return lines
