"""All that relies on what Snakemake (9.27) and its SLURM plugin (2.6) don't promise; their versions are pinned.

The graph that is built here is read in tom/planning/planned_jobs.py.
"""

import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from logging import Handler, LogRecord
from pathlib import Path

from snakemake import rules
from snakemake.api import SnakemakeApi
from snakemake.jobs import GroupJob
from snakemake.logging import logger
from snakemake.settings.enums import Quietness, RerunTrigger
from snakemake.settings.types import ConfigSettings, DAGSettings, DeploymentMethod, OutputSettings, ResourceSettings
from snakemake.workflow import Workflow
from snakemake_interface_common.exceptions import ApiError
from snakemake_interface_executor_plugins.settings import ExecMode

from tom.core.errors import UserError

UNBOUNDED_CORES = 2**20
"""So that a job has the threads that it asks for."""


class Refusal(ApiError):
    """Ends a run with one line, `Error: ...`.

    Snakemake prints other errors with the lines of the workflow that raised them, which say nothing to a user. It finds
    those in the traceback, so there is none.
    """

    __traceback__ = property(lambda self: None, lambda self, traceback: None)


class RefusalOrError(rules.InputFunctionException):
    """Snakemake's error of an input function, with the function's place in the workflow; a Refusal stays what it is."""

    def __new__(cls, error, *others, **named):
        return error if isinstance(error, Refusal) else super().__new__(cls)


def let_refusals_through() -> None:
    """Let a Refusal of an input function, such as a study's check, end a run with its one line as well."""
    rules.InputFunctionException = RefusalOrError


def refuse_missing_targets(describe: Callable[[str], str]) -> None:
    """End a run whose target is no rule, and a file that no rule makes, with one line.

    describe: says it of a target. Snakemake raises the same error for each input that lies there from the start, and
    catches it: those are not described.
    """

    class NoSuchTarget(Refusal):
        def __init__(self, target):
            super().__init__()
            self.target = str(target)

        def __str__(self):
            return describe(self.target)

    # Imported before snakemake.workflow, it would import itself half-way.
    from snakemake import dag

    dag.MissingRuleException = NoSuchTarget


_FAILED = re.compile(
    r"(?:RuleException:\n)?CalledProcessError in file .*?, line \d+:\n"
    r"Command '(.*)' returned non-zero exit status (\d+)\.",
    re.DOTALL,
)


def name_failed_scripts() -> None:
    """Say of a failed job which script failed, and not its whole command, in which the error would be lost."""

    def told(failed: re.Match) -> str:
        scripts = dict.fromkeys(re.findall(r"workflow/scripts/(\w+[.]py)", failed[1]))
        what = " or ".join(scripts) or "a command"
        return f"{what} ended with status {failed[2]} (its command: --printshellcmds)"

    def shorten(record: LogRecord) -> bool:
        if isinstance(record.msg, str):
            record.msg = _FAILED.sub(told, record.msg)
        return True

    logger.addFilter(shorten)


@contextmanager
def graph_of(targets: set[str], snakefile: Path, configfiles: list[Path], config: Mapping) -> Iterator[Workflow]:
    """The workflow with its graph (`dag`). Nothing is run, locked or written.

    targets: rules or files; configfiles, config: as on the command line of the run.
    Errors: UserError if Snakemake can't plan them; it has said why.
    """
    silent = OutputSettings(
        dryrun=True, quiet={Quietness.RULES, Quietness.PROGRESS}, enable_file_logging=False, printshellcmds=False
    )
    with SnakemakeApi(silent) as api:
        try:
            workflow = api.workflow(
                ResourceSettings(cores=UNBOUNDED_CORES),
                ConfigSettings(config=config, configfiles=configfiles),
                snakefile=snakefile,
            )
            # It knows nothing of the software environment that the run may use.
            triggers = RerunTrigger.all() - {RerunTrigger.SOFTWARE_ENV}
            settings = DAGSettings(targets=targets, force_incomplete=True, rerun_triggers=triggers)
            workflow.dag(settings).execute_workflow("dryrun")
        except Exception as error:  # noqa: BLE001 whatever a Snakefile raises
            api.print_exception(error)
            named = ", ".join(f"'{target}'" for target in sorted(targets))
            raise UserError(f"plan: Snakemake can't plan the target {named} (above: why)") from None
        # The graph has no public face; Snakemake's version is pinned.
        yield workflow._workflow


def outdated(files: list[str], snakefile: Path, configfiles: list[Path], config: Mapping) -> list[str]:
    """Those of the files that Snakemake would remake, or could not make at all. Other arguments: as for graph_of."""
    try:
        with graph_of(set(files), snakefile, configfiles, config) as workflow:
            anew = {str(file) for job in workflow.dag.jobs if workflow.dag.needrun(job) for file in job.output}
            return [file for file in files if file in anew]
    except UserError:
        # One that can't be made from this config hides what holds of the others.
        if len(files) == 1:
            return files
    return [found for file in files for found in outdated([file], snakefile, configfiles, config)]


def run_in_environment(workflow: Workflow, environment: Path, image: Path) -> None:
    """Give each rule of the workflow that is being read what `--sdm` asks for, as by `conda:` and `container:`.

    environment: conda's file. Rules of a workflow that uses this one are left alone. Without `--sdm` Snakemake would
    still keep the file's content for each job, and say in each run that it ignores images.
    """
    methods = workflow.deployment_settings.deployment_method
    for rule in workflow.rules:
        if rule.shellcmd and rule.module_globals is workflow.globals:
            if DeploymentMethod.CONDA in methods:
                rule.conda_env = str(environment)
            if DeploymentMethod.APPTAINER in methods:
                rule.container_img = str(image)


def requested(workflow: Workflow) -> tuple[list[str], list[str]]:
    """The targets of a run, and the files that they stand for: inputs of rules without an output, else outputs."""
    targets = sorted(workflow.dag_settings.targets) or [workflow.default_target]
    jobs = workflow.dag.targetjobs
    return targets, sorted({str(file) for job in jobs for file in (job.output or job.input)})


def had_nothing_to_do(workflow: Workflow) -> bool:
    """Whether a run ended because everything was there: of this Snakemake calls no hook."""
    planned = workflow.execution_settings is not None and workflow._dag is not None and workflow.dag.targetjobs
    return planned and workflow.exec_mode == ExecMode.DEFAULT and not workflow.dryrun and not len(workflow.dag)


def show_progress(
    workflow: Workflow,
    in_lines: Callable[[Mapping[str, int], Callable], Handler],
    of_trainings: Callable[[Callable], Handler],
) -> None:
    """Add the time left to the progress bars of `logger: rich`. Where it has no terminal for them, tell in lines.

    in_lines: makes the handler that does, from the number of jobs of each rule and what takes a line. of_trainings: the
    same from what takes a line alone; it tells how far trainings are, which no bar of jobs shows.
    """
    from rich.progress import TextColumn, TimeRemainingColumn

    for handler in workflow.logger_manager.plugin_handlers:
        if progress := getattr(handler, "progress", None):
            tell = partial(handler.console.print, soft_wrap=True, highlight=False)
            logger.addHandler(of_trainings(tell))
            if handler.console.is_terminal:
                progress.columns = (*progress.columns, TextColumn("left"), TimeRemainingColumn())
            else:
                jobs = Counter(job.rule.name for job in workflow.dag.needrun_jobs())
                logger.addHandler(in_lines(jobs, tell))


def forget_outputs(workflow: Workflow) -> None:
    """Remove the old outputs of all jobs that are to run on a cluster, and remember what the new ones are made with.

    Snakemake does both in a cluster's job and after its end. A job that never starts would leave an old file that
    counts as made today. A job that outlives its run would leave a new file whose parameters nobody knows.
    """
    for job in jobs_to_run(workflow):
        workflow.async_run(job.remove_existing_output())
        workflow.async_run(workflow.persistence.finished(job))


def jobs_to_run(workflow: Workflow) -> list:
    """The jobs of a run that write something."""
    return [job for job in workflow.dag.needrun_jobs() if job.output]


def jobs_left(workflow: Workflow) -> set[str]:
    """The numbers of cluster jobs that an earlier run started for the same outputs."""
    return {number for job in jobs_to_run(workflow) for number in workflow.persistence.external_jobids(job)}


def start_after(workflow: Workflow, jobs: list, first: list) -> None:
    """Let jobs of this run start when others have succeeded, of which they read nothing.

    As an input, even an ancient one, a file would count: a finished job would run again with another file, or without
    it.
    """
    dag = workflow.dag
    for job in jobs:
        for other in first:
            if other not in dag._dependencies[job]:
                dag._dependencies[job][other] = set()
                dag.depending[other][job] = set()
                dag._n_until_ready[job] += 1
        if first:
            dag._ready_jobs.discard(dag._group.get(job, job))


def log_why_groups_fail() -> None:
    """Log what SLURM says of a group's failed job: Snakemake drops it, and a crashed node leaves no log."""
    dropped = GroupJob.log_error

    def log_error(group, msg=None, *others, **named):
        if msg:
            logger.error(f"Group {group.groupid}: {msg}")
        dropped(group, msg, *others, **named)

    GroupJob.log_error = log_error


def count_a_load_once() -> None:
    """Let a group whose jobs share a loaded model ask for the time of one load, and not for the sum of all.

    Such jobs ask for an `engine`, and name in `work_seconds` what their `runtime`, in minutes, holds besides the load.
    Others that name it load nothing, and their minutes leave room for a slow node.
    """
    summed = GroupJob.resources

    def resources(group):
        if group._resources is None:
            summed.fget(group)
            asked = [job.resources for job in group.jobs if job.resources.get("engine")]
            times = [(60 * each.get("runtime", 0), each.get("work_seconds")) for each in asked]
            loads = [limit - work for limit, work in times if work is not None]
            if loads:
                group._resources["runtime"] -= (sum(loads) - max(loads)) // 60
        return summed.fget(group)

    GroupJob.resources = property(resources)


def ask_squeue_through_an_outage() -> None:
    """Let a check of the jobs that begins while the controller is away wait for it, and not turn to sacct.

    The plugin takes no answer about MinJobAge for a controller that forgets its jobs too soon. Without accounting sacct
    knows none of them: the plugin would forget the jobs, and the run never end.
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


def cancel_jobs_under_check() -> None:
    """Let an interrupt cancel all jobs of the run: those under check are on no list of the plugin."""
    import snakemake_executor_plugin_slurm as plugin

    cancel_listed = plugin.Executor.cancel_jobs

    def cancel_jobs(executor, listed):
        try:
            cancel_listed(executor, listed)
        finally:
            try:
                subprocess.run(["scancel", f"--name={executor.run_uuid}"], timeout=60)
            except subprocess.TimeoutExpired:
                logger.warning(f"scancel --name={executor.run_uuid} took more than a minute: jobs may go on.")

    plugin.Executor.cancel_jobs = cancel_jobs


def share_settings_of_rules(workflow: Workflow, before: str, prefixes: list[str]) -> None:
    """Give rules that will be called prefix + name the groups, threads and resources that a user set by name.

    before: what stands before the names of the rules that have the settings.
    """
    groups, resources = workflow.group_settings, workflow.resource_settings
    for settings, key in (
        (groups, "overwrite_groups"),
        (resources, "overwrite_threads"),
        (resources, "overwrite_resources"),
    ):
        given = dict(getattr(settings, key))
        # A cluster's job is told of both.
        own = {name: value for name, value in given.items() if not name.startswith(tuple(prefixes))}
        shared = {prefix + name.removeprefix(before): value for prefix in prefixes for name, value in own.items()}
        setattr(settings, key, shared | given)
    # Snakemake keeps what it read of them.
    for kept in ("_parsed_overwrite_threads", "_parsed_overwrite_resources"):
        vars(resources).pop(kept, None)
