"""What a run does before its first job, so that a run on a cluster can be killed at any time. No rule stands here."""

from tom.core.snakemake_internals import (
    ask_squeue_through_an_outage,
    cancel_jobs_under_check,
    count_a_load_once,
    forget_outputs,
    jobs_left,
    jobs_to_run,
    log_why_groups_fail,
    start_after,
)
from tom.slurm.orphaned_jobs import end_jobs

if workflow.remote_exec:
    # No profile is read inside an allocation: there, too, jobs that hold a model take turns.
    workflow.register_resource("engine", 1)

ASKS_A_MODEL = set(map(called, ("convert_model", "sample_endpoint", "sample_shard", "train_adapter")))


def check_models():
    """Refuse what a model on this machine can't do before any job, above all before a teacher is asked and paid."""
    if not ASKS_A_MODEL & {job.rule.name for job in jobs_to_run(workflow)}:
        return
    for role in LOCAL_MODELS if checks_here() else ():
        if folder := weights_here(role):
            check_at_start(role, folder, config, RESOURCES, remembered_sha256(CODE_HASHES, "check_model.py"))


def ask_teacher_last():
    """Let no teacher be asked, and paid, before each model that is still to be fetched was fetched and has passed."""
    jobs = jobs_to_run(workflow)
    fetched = [job for job in jobs if job.rule.name in called_by_all("fetch_model")]
    asking = called_by_all("sample_endpoint", "sample_shard")
    asked = [job for job in jobs if job.rule.name in asking and job.wildcards.model == "teacher"]
    start_after(workflow, asked, fetched)


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
