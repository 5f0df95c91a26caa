"""What a run does before its first job, so that a run on a cluster can be killed at any time. No rule stands here."""

from tom.core.snakemake_internals import (
    ask_squeue_through_an_outage,
    cancel_jobs_under_check,
    count_a_load_once,
    forget_outputs,
    jobs_left,
    log_why_groups_fail,
)
from tom.slurm.orphaned_jobs import end_jobs

if workflow.remote_exec:
    # No profile is read inside an allocation: there, too, jobs that hold a model take turns.
    workflow.register_resource("engine", 1)


def cancel_orphans():
    """End what a killed run left under way, so that no file is written twice, or stays from an earlier run."""
    end_jobs(jobs_left(workflow))
    if workflow.non_local_exec:
        count_a_load_once()
        log_why_groups_fail()
        if workflow.executor_plugin.name == "slurm":
            ask_squeue_through_an_outage()
            cancel_jobs_under_check()
        forget_outputs(workflow)
