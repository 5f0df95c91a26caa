"""A plan for people: what runs by stage and rule and why, what it is expected to take, and what limits it."""

from collections.abc import Sequence
from textwrap import wrap

import polars as pl

from tom.planning.forecast import BASES
from tom.planning.planned_jobs import REASONS
from tom.reporting.tables import markdown_table
from tom.reporting.wording import counted

TRAINING = "train_adapter"
"""The rule that trains."""

WIDTH = 100
"""Columns of a terminal."""


def budget_line(observations: int, cells: int, games: int) -> str:
    """What a training is bought with. observations: of the teacher in each of its cells, at most."""
    return (
        f"taught: {observations * cells:,} observations of the teacher at most, {observations} in each of"
        f" {counted(cells, 'cell')} of {counted(games, 'game')} (docs/findings.md says how to spend them)."
    )


def plan_lines(
    plan: pl.DataFrame,
    target: str,
    steps: list[str],
    gradients_mb: int,
    taught: str = "",
    asked: Sequence[str] = (),
    refused: str = "",
    key: str = "",
    clock: str = "",
) -> list[str]:
    """The plan of a target on one screen: what runs and why, what it costs, what limits it, and how to read it.

    Lines are at most 100 columns wide as long as rules have their own names.

    plan: forecast's. steps: in words, the steps of the config's own student, and what else there is to say of its
    training. gradients_mb: the main memory of its Gauss-Newton steps. taught: budget_line's. asked: endpoint_lines'.
    refused: why this machine would refuse the run; empty if it would not. key: missing_key's. clock: clock_line's.
    """
    due = due_jobs(plan)
    if due.is_empty():
        return [f"Plan of `{target}`: nothing to do, all {plan.height} jobs are done."]
    trains = TRAINING in due["rule"]
    costs = [*_costs(due, clock), *([taught] if trains and taught else []), *asked]
    limits = [*_gpu_limits(due), *_memory_limits(due, gradients_mb), *(_training(steps) if trains else [])]
    refusals = [f"GPUs: a run here would be refused. {refused}."] if refused else []
    refusals += [f"key: a run here would be refused; {key}."] if key else []
    return [
        f"Plan of `{target}`: {counted(due.height, 'job')} to run, {plan.height - due.height} done.",
        *_wrapped(refusals),
        "",
        *_table(plan),
        *_section("Why the jobs run", _reasons(due)),
        *_section("What it costs", costs),
        *_section("What limits it", limits),
        *_section("How to read it", _notes(due)),
    ]


def _section(title: str, texts: Sequence[str]) -> list[str]:
    """A title and its texts, each wrapped; nothing if there are none."""
    return ["", f"{title}:", *_wrapped(texts)] if texts else []


def _wrapped(texts: Sequence[str]) -> list[str]:
    return [line for text in texts for line in wrap(text, WIDTH, subsequent_indent="  ")]


def _table(plan: pl.DataFrame) -> list[str]:
    """What runs: each stage with its sums and, indented, those of its rules that have something to run.

    Rules of a stage whose jobs all take as long by the same estimate share its line, and are named below the table.
    """
    with_gpus = (due_jobs(plan)["gpus"] > 0).any()
    header = ["stage, and its rules", "jobs", "done", "s a job", "from", "CPU-h", *(["GPU-h"] if with_gpus else [])]
    rows, together = [], []
    for stage in plan.partition_by("stage", maintain_order=True):
        due, name = due_jobs(stage), stage["stage"][0]
        if due["rule"].n_unique() > 1 and due.select("seconds", "seconds_from").n_unique() == 1:
            # Rules of which nothing else is known than of each other.
            rows.append(_row(name, stage, with_gpus, _seconds(due), _basis(due)[0]))
            together += wrap(f"{name}: {_by_rule(due)}.", WIDTH, subsequent_indent="  ")
            continue
        rows.append(_row(name, stage, with_gpus))
        for jobs in stage.partition_by("rule", maintain_order=True):
            if (due := due_jobs(jobs)).height:
                first, *more = _basis(due)
                rows.append(_row(f"  {jobs['rule'][0]}", jobs, with_gpus, _seconds(due), first))
                rows += [["", "", "", "", basis, *[""] * (len(header) - 4)] for basis in more]
    rows.append(_row("all", plan, with_gpus))
    return [*markdown_table([*header, "disk"], rows), *together]


def _seconds(due: pl.DataFrame) -> str:
    """The mean of a rule's jobs: a decimal only of short ones that were measured."""
    seconds = due["seconds"].mean()
    if seconds is None:
        return ""
    measured = (due["seconds_from"] != BASES[2]).any()
    return f"{seconds:.1f}" if measured and seconds < 9.95 else f"{seconds:.0f}"


def disk_words(size: float) -> str:
    """Bytes as `1.3 MB` or `7.7 GB`."""
    return f"{size / 1e6:.1f} MB" if size < 999.95e6 else f"{size / 1e9:.1f} GB"


def _by_rule(due: pl.DataFrame) -> str:
    """`plot_numbers (1), plot_propensities (3)`: rules with their numbers of jobs."""
    return ", ".join(f"{jobs['rule'][0]} ({jobs.height})" for jobs in due.partition_by("rule", maintain_order=True))


def _row(name: str, jobs: pl.DataFrame, with_gpus: bool, seconds: str = "", basis: str = "") -> list[str]:
    due = due_jobs(jobs)
    size = "" if due["bytes"].null_count() == due.height else disk_words(due["bytes"].sum())
    on_gpus = [f"{hours(due, True):.2f}"] if with_gpus else []
    numbers = [str(due.height), str(jobs.height - due.height), seconds, basis]
    return [name, *numbers, f"{hours(due, False):.2f}", *on_gpus, size]


def _reasons(due: pl.DataFrame) -> list[str]:
    """Each reason, with the number of jobs of each rule that run for it."""
    found = [(reason, due.filter(reason=reason)) for reason in REASONS]
    found = [(reason, jobs) for reason, jobs in found if jobs.height]
    if len(found) == 1:
        return [f"{found[0][0]}: all of them."]
    return [f"{reason}: {_by_rule(jobs)}." for reason, jobs in found]


def _costs(due: pl.DataFrame, clock: str) -> list[str]:
    """Time, disk, and loads of models, each with its unit."""
    lines = []
    for kind, times, on_gpus in (("CPU", "threads", False), ("GPU", "GPUs", True)):
        if (jobs := due.filter((pl.col("gpus") > 0) == on_gpus)).height:
            bounded = BASES[2] in jobs["seconds_from"] and BASES[1] not in jobs["seconds_from"]
            time = f"{'at most' if bounded else 'about'} {hours(jobs, on_gpus):.2f} hours"
            unknown = jobs["seconds"].null_count()
            without = f", without {counted(unknown, 'job')} of unknown time" if unknown else ""
            lines.append(f"{kind} time: {time}{without} ({times} times the seconds by the clock).")
            if BASES[1] in jobs["seconds_from"]:
                lines.append(f"no bound: times of other models, seeds or splits are part of the {kind} time.")
    lines += [clock] if clock else []
    unknown = due["bytes"].null_count()
    if unknown < due.height:
        without = f", without {counted(unknown, 'job')} of which none has written anything yet" if unknown else ""
        lines.append(f"disk: about {disk_words(due['bytes'].sum())}{without}.")
    if shards := due["shard"].sum():
        lines.append(f"shards: {shards:,}. A shard holds what one model answered in one game and one context.")
    if loads := due["loads"].sum():
        lines.append(
            f"loads: a model is loaded {counted(loads, 'time')} at least. Shards that follow one another share it."
        )
    return lines


def _gpu_limits(due: pl.DataFrame) -> list[str]:
    """For each rule that asks for GPUs: the most memory that one of its jobs needs of each, in GB."""
    lines = []
    for jobs in due.partition_by("rule", maintain_order=True):
        asked = jobs.filter(pl.col("gpu_mb") > 0).sort("gpu_mb", "gpus")
        if asked.height:
            largest = asked.row(-1, named=True)
            where = f"each of {largest['gpus']} GPUs" if largest["gpus"] > 1 else "a GPU"
            lines.append(f"GPU memory: {largest['rule']} needs up to {largest['gpu_mb'] / 1000:.0f} GB of {where}.")
    return [*lines, "GPU memory follows by arithmetic from the size of the model (docs/gpu.md)."] if lines else []


def _memory_limits(due: pl.DataFrame, gradients_mb: int) -> list[str]:
    """For each rule that holds a model: the most main memory that one of its jobs asks for, in GB."""
    lines = []
    for jobs in due.drop_nulls("memory_mb").partition_by("rule", maintain_order=True):
        rule, asked = jobs["rule"][0], jobs["memory_mb"].max()
        line = f"main memory: {rule} asks for up to {asked / 1000:.1f} GB"
        if rule == TRAINING and gradients_mb:
            line += f", of which {gradients_mb / 1000:.1f} GB are for the Gauss-Newton steps of the config's training"
            line += " (the gradients of all prompts)"
        lines.append(f"{line}.")
    note = "These are limits, of one job each: a job may take less than half. Jobs that run at a time add up."
    return [*lines, note] if lines else []


def _training(steps: list[str]) -> list[str]:
    counted, *warnings = steps
    return [f"training: {counted} (tuned students of the config; those of studies may differ).", *warnings]


def hours(jobs: pl.DataFrame, gpus: bool) -> float:
    """GPU-hours of the jobs that ask for GPUs, or CPU-hours, by the threads, of those that ask for none."""
    asked = jobs.filter((pl.col("gpus") > 0) == gpus)
    return (asked["seconds"] * asked["gpus" if gpus else "threads"]).sum() / 3600


def due_jobs(jobs: pl.DataFrame) -> pl.DataFrame:
    """Those of a plan's jobs that are to run."""
    return jobs.filter(pl.col("reason").is_not_null())


def _basis(due: pl.DataFrame) -> list[str]:
    """On what the seconds of a rule rest; jobs that were measured with their number."""
    words = []
    for basis in BASES:
        if (found := due.filter(seconds_from=basis)).height:
            timed = found.select("subject", "timed").unique()["timed"]
            earlier = timed.sum() if basis == BASES[0] else timed.max()
            words.append(f"{basis.removesuffix(' subjects')} ({earlier})" if earlier else basis)
    return [*words, "unknown"] if due["seconds"].has_nulls() else words


def _notes(due: pl.DataFrame) -> list[str]:
    lines = ["done: made by an earlier run, and nothing has changed since."]
    if "upstream" in due["reason"]:
        lines.append("upstream: nothing but the inputs, which this run makes anew.")
    lines.append("s a job: seconds by the clock. from: what these seconds rest on.")
    if BASES[0] in due["seconds_from"]:
        lines.append("measured: the mean of so many earlier jobs (their benchmark files).")
    if BASES[1] in due["seconds_from"]:
        lines.append("other: the same rule for other models, seeds or splits; on GPUs, if they ask for as much.")
        if due.filter((pl.col("memory_mb") > 0) & (pl.col("gpus") == 0), seconds_from=BASES[1]).height:
            lines.append("Without GPUs the time of another model is scaled by the numbers of weights.")
        if due.filter(rule=TRAINING, seconds_from=BASES[1]).height:
            lines.append("A training takes longer than another by as much as it has more prompts times epochs.")
    if due["seconds"].has_nulls():
        lines.append("unknown: an endpoint's time follows from its answers, of which there is none yet.")
    if BASES[2] in due["seconds_from"]:
        lines.append("estimate: a limit and no prediction. A cluster is asked for it (docs/slurm.md).")
    return lines
