"""How a run begins and ends for its user: a warning of results that it replaces, then the summary and a next command.

No rule stands here. workflow/Snakefile calls these functions when a run starts and when it has succeeded.
"""

import atexit

from tom.core.snakemake_internals import had_nothing_to_do, requested
from tom.reporting.closing import command, file_lines


def warn_of_replaced_results():
    """Say whose tables and figures this run replaces, if they are other models' than the config's."""
    whose = STORE.replaces(Path(EXPERIMENT) / "contents.yaml")
    if whose and (Path(EXPERIMENT) / "tables").exists():
        snakemake_logger.warning(
            f"warning: {EXPERIMENT} holds the results of {whose}. This run replaces its tables, figures and summary. To keep"
            " them, stop it and give your config a name of its own (experiment: NAME). Shards and adapters stay in any case."
        )


def print_summary():
    """The result, where this run may have changed it."""
    summary = Path(EXPERIMENT) / "summary.md"
    if summary.exists() and summary.stat().st_mtime >= STARTED:
        print(summary.read_text(encoding="utf-8"))


def close_run():
    """End with the result, with where the files of each target lie, and with a next command."""
    print_summary()
    targets, files = requested(workflow)
    ends = {rule.name: dict(rule.params.items()) for rule in workflow.rules if rule.name in targets and not rule.output}
    files += [end["files"] for end in ends.values() if "files" in end]
    if files:
        print("Files:", *file_lines(files), sep="\n")
    settings, snakefile = workflow.config_settings, os.path.relpath(workflow.main_snakefile)
    for following in dict.fromkeys(end["next"] for end in ends.values() if "next" in end):
        configfiles = [os.path.relpath(file) for file in settings.configfiles]
        print(f"Next: {command(called(following), snakefile, configfiles, dict(settings.config))}")


def close_idle_run():
    """The same of a run that had nothing to do."""
    if had_nothing_to_do(workflow):
        close_run()


if not IS_MODULE:
    atexit.register(close_idle_run)
