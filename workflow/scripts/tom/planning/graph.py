"""Snakemake's own graph of the jobs of a run that does not take place, and files that it would make anew."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.settings.enums import Quietness
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings
from snakemake.workflow import Workflow

from tom.core.errors import UserError

UNBOUNDED_CORES = 2**20
"""So that a job has the threads that it asks for."""


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
            workflow.dag(DAGSettings(targets=targets, force_incomplete=True)).execute_workflow("dryrun")
        except Exception as error:  # noqa: BLE001 whatever a Snakefile raises
            api.print_exception(error)
            named = ", ".join(f"'{target}'" for target in sorted(targets))
            raise UserError(f"plan: Snakemake can't plan the target {named} (above: why)") from None
        # The graph has no public face; Snakemake's version is pinned.
        yield workflow._workflow


def outdated(files: list[str], snakefile: Path, configfiles: list[Path], config: Mapping) -> list[str]:
    """Of these files those that Snakemake would make anew, or could not make at all. The rest: as for graph_of."""
    try:
        with graph_of(set(files), snakefile, configfiles, config) as workflow:
            anew = {str(file) for job in workflow.dag.jobs if workflow.dag.needrun(job) for file in job.output}
            return [file for file in files if file in anew]
    except UserError:
        # One that can't be made from this config hides what holds of the others.
        if len(files) == 1:
            return files
    return [found for file in files for found in outdated([file], snakefile, configfiles, config)]
