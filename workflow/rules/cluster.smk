"""What a run knows and does before its first job, so that a run on a cluster can be killed at any time. No rule stands here."""

import subprocess

from snakemake.jobs import GroupJob
from snakemake.logging import logger as snakemake_logger

from tom.slurm.orphaned_jobs import end_jobs

if workflow.remote_exec:
    # No profile is read inside an allocation: there, too, jobs that hold a model take turns.
    workflow.register_resource("engine", 1)


def register_keys():
    """Let the store know every key of this config: a cluster's job, and a target, may be a shard's path and nothing else."""
    for model in ("teacher", "base"):
        STORE.weights_key(model)
    for changes in all_students(config):
        STORE.weights_key(TUNED[0], changes)
    for name, split in config["splits"].items():
        for model in models_of(name)[: -len(TUNED)]:
            for game in split["games"]:
                STORE.asking(model, game)
    for settings in DRIFT.values():
        shards(IN_SAMPLE, TUNED[:1], **settings)


register_keys()


def say_why_groups_fail():
    """Let the log have what SLURM says of a group's failed job: Snakemake 9.27 drops it, and a crashed node has no log."""
    unsaid = GroupJob.log_error

    def log_error(group, msg=None, *others, **named):
        if msg:
            snakemake_logger.error(f"Group {group.groupid}: {msg}")
        unsaid(group, msg, *others, **named)

    GroupJob.log_error = log_error


def ask_squeue_through_an_outage():
    """Let a check of the jobs that begins while the controller is away wait for it, and not turn to sacct.

    The plugin (2.6) takes no answer about MinJobAge for a controller that forgets its jobs too soon. Without accounting
    sacct knows none of them: the plugin would forget the jobs, and the run never end.
    """
    import snakemake_executor_plugin_slurm as plugin

    ask = plugin.get_min_job_age
    known = ask()

    def last_known():
        nonlocal known
        answer = ask()
        known = known if answer is None else answer
        return known

    plugin.get_min_job_age = last_known


def cancel_jobs_under_check():
    """Let an interrupt cancel all of the run's jobs: those that are being checked are on no list of the plugin (2.6)."""
    import snakemake_executor_plugin_slurm as plugin

    cancel_listed = plugin.Executor.cancel_jobs

    def cancel_jobs(executor, listed):
        try:
            cancel_listed(executor, listed)
        finally:
            try:
                subprocess.run(["scancel", f"--name={executor.run_uuid}"], timeout=60)
            except subprocess.TimeoutExpired:
                snakemake_logger.warning(f"scancel --name={executor.run_uuid} took more than a minute: jobs may go on.")

    plugin.Executor.cancel_jobs = cancel_jobs


def cancel_orphans():
    """End what a killed run left under way, and make sure that each file that is there can be told to be today's.

    Snakemake removes a job's old outputs, and remembers what it was made with, in a cluster's job and after its end.
    A job that never starts would leave an old file behind that counts as made today; one that outlives its run, a new
    file of which nobody knows the parameters.
    """
    jobs = [job for job in workflow.dag.needrun_jobs() if job.output]
    try:
        end_jobs({number for job in jobs for number in workflow.persistence.external_jobids(job)})
    except UserError as error:
        raise WorkflowError(str(error))
    if workflow.non_local_exec:
        say_why_groups_fail()
        if workflow.executor_plugin.name == "slurm":
            ask_squeue_through_an_outage()
            cancel_jobs_under_check()
        for job in jobs:
            workflow.async_run(job.remove_existing_output())
            workflow.async_run(workflow.persistence.finished(job))
