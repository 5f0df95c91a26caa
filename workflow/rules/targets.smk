"""Targets: each stage of the main result by name, and each study. `snakemake targets` says what they are.

`next` of a target is the one that a run of it ends by proposing. `all` stands in the Snakefile, since no included rule
can be the default.
"""

from textwrap import wrap

from tom.core.errors import did_you_mean
from tom.core.snakemake_internals import refuse_missing_targets


rule prepare:
    """The student's weights, fetched and quantised."""
    input:
        **prepared("student"),
    params:
        next="train",


rule train:
    """The students' adapters."""
    input:
        expand(f"{STUDENT.folder}/seed{{seed}}/manifest.json", seed=SEEDS),
    params:
        next="all",


rule sample_in_sample:
    """The in-sample shards of teacher, base and tuned students."""
    input:
        lazy_shards(IN_SAMPLE),
    params:
        next="in_sample",


rule in_sample:
    """Tables and figure of the cells that the students are trained on."""
    input:
        tables([IN_SAMPLE]),
        figure(SPLIT_FIGURES[IN_SAMPLE]),
    params:
        next="out_of_sample",


rule out_of_sample:
    """Tables and figures of all other splits: new contexts, new payoffs, games in which a number is named."""
    input:
        tables(out_of_sample_splits(SPLITS)),
        student_tables(),
        number_tables(),
        [figure(name) for split, name in SPLIT_FIGURES.items() if split != IN_SAMPLE],
    params:
        next="all",


rule paper:
    """The figures of the paper, from its published counts. Needs no model."""
    input:
        rules.recompute_paper.output,
    params:
        next="all",


rule report:
    """Everything as one HTML file."""
    input:
        rules.build_page.output,
    params:
        next="export",


rule export:
    """For each tuned student a folder to take away: adapter, merged weights, GGUF for llama.cpp, model card."""
    input:
        expand(rules.export_student.output, seed=SEEDS),
    params:
        next="dataset",


rule dataset:
    """All observations and exact probabilities as a data set: Parquet, a card, Croissant metadata."""
    input:
        rules.export_dataset.output,
    params:
        next="targets",


def study_files(study):
    """A study's tables and figure. Its check runs only when they are asked for."""

    def files(wildcards):
        if study.check:
            checked(study.check)
        found = [
            file
            for shown in study.tables
            for parquet in expanded(shown.file, in_sample_first(SPLITS))
            for file in in_all_formats(f"{EXPERIMENT}/{Path(parquet).parent}", [Path(parquet).stem]).values()
        ]
        return found + (figure(study.figure.name) if study.figure else [])

    return files


for study in STUDIES:

    rule:
        name:
            study.name
        input:
            study_files(study),
        params:
            next="report",

    getattr(rules, study.name).rule.docstring = study.summary


def study_line(study):
    """What a study shows, and what it lacks where this config is not enough for it."""
    lacks = ""
    try:
        if study.check:
            study.check(config, CONFIG_NAMES, RESOURCES)
    except (UserError, OSError):
        lacks = f" Not with this config: it needs {study.needs}."
    return f"{study.title}. {study.first_sentence}{lacks}"


def listed_targets(wildcards):
    """Each target with what it makes: those of the main result, then the studies."""
    studies = {called(study.name): study_line(study) for study in STUDIES}
    own = [rule for rule in workflow.rules if rule.module_globals is globals()]
    made = {rule.name: rule.docstring for rule in own if rule.docstring and not rule.output}
    width = max(map(len, made))
    told = {
        name: wrap(about, 100, initial_indent=f"{name:{width}}  ", subsequent_indent=" " * (width + 2))
        for name, about in (made | studies).items()
    }
    lines = [line for name in made if name not in studies for line in told[name]]
    lines += ["Studies, none of them part of `all`:"]
    lines += [line for name in studies for line in told[name]]
    if OTHER_STUDENTS:
        lines += [f"The same of another student, NAME_TARGET; NAME is one of: {', '.join(OTHER_STUDENTS)}"]
    return [this_runs_command("TARGET"), *lines]


rule targets:
    """This list."""
    localrule: True
    params:
        lines=listed_targets,
        next="plan",
    shell:
        "printf '%s\\n' {params.lines:q}"


def no_such_target(target):
    """That a run's target is neither a rule nor a file that a rule makes, and what may have been meant."""
    known = [str(name) for rule in workflow.rules for name in [rule.name, *rule.output]]
    return f"there is no target '{target}'{did_you_mean(target, known)} (allowed: what `snakemake targets` lists, or a file that this config makes)"


if not IS_MODULE:
    refuse_missing_targets(no_such_target)
