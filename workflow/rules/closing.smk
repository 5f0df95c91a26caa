"""How a run begins and ends for its user: a warning of results that it replaces, then the summary and a next command.

No rule stands here. workflow/Snakefile calls these functions when a run starts and when it has succeeded.
"""

import atexit

from tom.core.snakemake_internals import had_nothing_to_do, requested
from tom.reporting.closing import command, file_lines, first_screen, profile_words


def write_contents():
    """Say what the keys in the paths of this experiment stand for."""
    STORE.write_contents(Path(EXPERIMENT) / "contents.yaml")


def warn_of_replaced_results():
    """Say whose tables and figures this run replaces, if they are other models' than the config's."""
    whose = STORE.replaces(Path(EXPERIMENT) / "contents.yaml")
    if whose and (Path(EXPERIMENT) / "tables").exists():
        snakemake_logger.warning(
            f"warning: {EXPERIMENT} holds the results of {whose}. This run replaces its tables, figures and summary. To keep"
            " them, stop it and give your config a name of its own (experiment: NAME). Shards and adapters stay in any case."
        )


def print_new(file, part=str):
    """A text, or a part of it, where this run may have changed it."""
    if file.exists() and file.stat().st_mtime >= STARTED:
        print(part(file.read_text(encoding="utf-8")))


def print_summary():
    """The result: as much of the summary as fits a screen, with the verdict still in sight at the end."""
    print_new(Path(EXPERIMENT) / "summary.md", part=first_screen)


def this_runs_command(target):
    """A command line for a target, with the configs and profiles of this run; what was planned is no part of it."""
    settings, snakefile = workflow.config_settings, os.path.relpath(workflow.main_snakefile)
    configfiles = [os.path.relpath(file) for file in settings.configfiles]
    said = {key: value for key, value in settings.config.items() if key != "plan"}
    return command(target, snakefile, configfiles, said, profile_words(sys.argv[1:]))


def close_run():
    """End with each student's result, with where the files of each target lie, and with a next command."""
    for_each_student("print_summary")
    if OTHER_STUDENTS:
        print_new(Path(OWN_LOGS) / "evaluate" / "experiments.log")
    targets, files = requested(workflow)
    ended = [rule for rule in workflow.rules if rule.name in targets and not rule.output]
    files += [end.params.files for end in ended if "files" in end.params.keys() and Path(end.params.files).exists()]
    if files:
        print("Files:", *file_lines(files), sep="\n")
    proposals = dict.fromkeys(proposed(end) for end in ended if "next" in end.params.keys())
    for words in proposals:
        print(f"Next: {words}")


def proposed(end):
    """What to do after a target, in words or as a command. end: the target's rule, of this workflow or a module."""
    own = end.module_globals
    name = own.get("called", called)
    # A target of another student's run proposes another one of that run.
    following = name(end.params.next)
    return own["next_of_plan"](following) if end.name == name("plan") else this_runs_command(following)


def close_idle_run():
    """The same of a run that had nothing to do."""
    if had_nothing_to_do(workflow):
        close_run()


if not IS_MODULE:
    atexit.register(close_idle_run)
