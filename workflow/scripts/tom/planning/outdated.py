"""Files that are there, and no longer what today's config, code and inputs would make."""

from collections.abc import Mapping
from pathlib import Path

from tom.core.errors import UserError
from tom.planning.graph import graph_of


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
