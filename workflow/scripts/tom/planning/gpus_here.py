"""Whether this machine has the GPUs that a plan's jobs ask for, and what to do where it has not."""

import polars as pl

from tom.core.errors import UserError
from tom.engines.devices import enough_devices, visible_devices
from tom.planning.plan_lines import due_jobs
from tom.reporting.wording import counted


def asked_gpus(plan: pl.DataFrame) -> int:
    """The most GPUs that one of the jobs to run asks for. plan: forecast's."""
    return due_jobs(plan)["gpus"].max() or 0


def missing_gpus(plan: pl.DataFrame) -> str:
    """Why a run here would be refused, without a full stop; empty where it would not be."""
    if not (gpus := asked_gpus(plan)):
        return ""
    try:
        enough_devices(gpus)
    except UserError as error:
        return str(error)
    return ""


def remedy(plan: pl.DataFrame) -> str:
    """What lets a run begin that would be refused here; empty where it would not be."""
    if not missing_gpus(plan):
        return ""
    try:
        here = len(visible_devices())
    except UserError:
        here = 0
    set_lower = f"up to {here}" if here else "0, to compute on the CPU"
    elsewhere = f"start the run where {counted(asked_gpus(plan), 'GPU')} can be used (docs/gpu.md, docs/slurm.md)"
    return f"set `gpus` of each model in your config to {set_lower}; or {elsewhere}."
