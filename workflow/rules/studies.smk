"""Studies: targets besides the main result, each registered in tom/config/studies.py. None is part of `all`.

Sampling and training are the rules of sample.smk and train.smk: a study asks for shards of other students, or of the
same models asked in another way. Here stand its tables and its figure.
out: tables/, figures/, and the answers to questions of a study's own: probes/, labels/
"""

from typing import NamedTuple

from tom.config.study import all_cells, curve_cells, games_without_curve, rewordings
from tom.training.folds import CONTEXT, Fold


def groups_of(study):
    """Name in the table → changes of the training section of each student that a study compares."""
    return study.students(config)


# Students by how they were trained: compare_training_targets, controls, counterbalancing, learning_curve

COMPARED = {study.tables[0].name: study for study in COMPARISONS.values()}


def compared_shards(wildcards):
    """The shards of every group of students of a study, of teacher and base, and the in-sample ones as a reference."""
    study = COMPARED[wildcards.comparison]
    if study.check:
        checked(study.check)
    groups = groups_of(study)
    found = {f"students_{name}": shards(wildcards.split, TUNED, changes) for name, changes in groups.items()}
    return found | {
        "untuned": shards(wildcards.split, ["teacher", "base"]),
        "reference": shards(IN_SAMPLE, ["teacher", "base"]),
    }


def training_times(wildcards):
    """The benchmark files of the trainings, where the comparison shows what they took."""
    study = COMPARED[wildcards.comparison]
    if not study.comparison.timings:
        return {}
    return {
        f"seconds_{name}": expand(f"{BENCHMARKS}/train/{STORE.student(changes).key}-seed{{seed}}.tsv", seed=SEEDS)
        for name, changes in groups_of(study).items()
    }


def comparison_flags(wildcards, input):
    """The students' shards by group, the training times by group, and what is compared with what."""
    study = COMPARED[wildcards.comparison]
    comparison, words = study.comparison, ["--by", study.comparison.by]
    for name in groups_of(study):
        words += ["--students", name, *pack_paths(input[f"students_{name}"])]
        if comparison.timings:
            words += ["--timings", name, *input[f"seconds_{name}"]]
    words += [word for prefix, group in comparison.leads.items() for word in ("--lead", prefix, group)]
    words += ["--whole", comparison.whole] if comparison.whole else []
    words += ["--gpus", str(config["student"]["gpus"])] if comparison.timings else []
    return shlex.join(map(str, words))


rule tabulate_students:
    input:
        unpack(compared_shards),
        unpack(training_times),
    output:
        table=f"{EXPERIMENT}/tables/{{split}}/{{comparison}}.parquet",
        others=[f"{EXPERIMENT}/tables/{{split}}/{{comparison}}.{kind}" for kind in ("csv", "tex")],
    log:
        f"{OWN_LOGS}/evaluate/{{comparison}}-{{split}}.log",
    wildcard_constraints:
        comparison="|".join(COMPARED),
        split="|".join(SPLITS),
    params:
        **packed_params("untuned", "reference"),
        comparison=comparison_flags,
        evaluation=flags(config["evaluation"]),
    shell:
        python("tabulate_students.py") + " --split {wildcards.split} --untuned {params.untuned}"
        " --reference-shards {params.reference} {params.comparison} {params.evaluation} --output {output.table:q}"
        " 2>&1 | tee {log:q}"


def compared_tables(wildcards):
    study = COMPARED[wildcards.comparison]
    return table(SPLITS if study.comparison.all_splits else [IN_SAMPLE], wildcards.comparison)


def drawn_lines(wildcards):
    """The lines of the figure: each group with its label, and the baselines."""
    comparison = COMPARED[wildcards.comparison].comparison
    lines = [word for group, label in comparison.labels.items() for word in ("--line", group, label)]
    return shlex.join(["--by", comparison.by, *lines, "--baselines", *comparison.baselines])


rule plot_students:
    input:
        tables=compared_tables,
    output:
        figure("{comparison}"),
    log:
        f"{OWN_LOGS}/figures/{{comparison}}.log",
    wildcard_constraints:
        comparison="|".join(name for name, study in COMPARED.items() if study.comparison.labels),
    params:
        captions=CAPTIONED,
        lines=drawn_lines,
    shell:
        python("plot_students.py") + " {params.lines} --tables {input.tables:q} --output {output:q} > {log:q} 2>&1"


rule plot_learning_curve:
    input:
        table=table([IN_SAMPLE], "learning_curve"),
    output:
        figure("learning_curve"),
    log:
        f"{OWN_LOGS}/figures/learning_curve.log",
    params:
        captions=CAPTIONED,
    shell:
        python("plot_learning_curve.py") + " --table {input.table:q} --output {output:q} > {log:q} 2>&1"


# Students of more and more games: breadth

BREADTH = BY_NAME["breadth"]
OTHER_LABELS = BREADTH.asks(config)


def with_all_labels(split, models, changes={}):
    """Shards of a split with the labels C and D, and with each other pair."""
    return [file for asked in ({}, *OTHER_LABELS.values()) for file in shards(split, models, changes, **asked)]


def breadth_shards(wildcards):
    checked(BREADTH.check)
    found = {
        f"students_{number}": with_all_labels(wildcards.split, TUNED, changes)
        for number, changes in groups_of(BREADTH).items()
    }
    return found | {
        "teacher": shards(wildcards.split, ["teacher"]),
        "base": with_all_labels(wildcards.split, ["base"]),
        "taught": shards(IN_SAMPLE, ["teacher"]),
    }


rule tabulate_breadth:
    input:
        unpack(breadth_shards),
        games=lambda wildcards: sorted({*game_files(wildcards.split), *game_files(IN_SAMPLE)}),
        tables=lambda wildcards: game_tables(wildcards.split, IN_SAMPLE),
        labels=expand(RESOURCES / "labels" / "{labels}.yaml", labels=["letters", *OTHER_LABELS]),
    output:
        **split_tables("{split}", ["breadth"]),
    log:
        f"{OWN_LOGS}/evaluate/breadth-{{split}}.log",
    wildcard_constraints:
        split="|".join(out_of_sample_splits(SPLITS)) or "none",
    params:
        **packed_params("teacher", "base", "taught"),
        evaluation=flags(config["evaluation"]),
        students=lambda wildcards, input: " ".join(
            shlex.join(["--students", number, *pack_paths(input[f"students_{number}"])])
            for number in groups_of(BREADTH)
        ),
    shell:
        python("tabulate_breadth.py") + " --split {wildcards.split} --teacher {params.teacher} --base {params.base}"
        " {params.students} --taught {params.taught} --game-files {input.games:q} --labels-files {input.labels:q}"
        " {params.evaluation} --output {output.breadth:q} 2>&1 | tee {log:q}"


rule plot_breadth:
    input:
        tables=table(out_of_sample_splits(SPLITS), "breadth"),
    output:
        figure("breadth"),
    log:
        f"{OWN_LOGS}/figures/breadth.log",
    params:
        captions=CAPTIONED,
    shell:
        python("plot_breadth.py") + " --tables {input.tables:q} --output {output:q} > {log:q} 2>&1"


# Students trained without a part of the cells: validate, validate_reworded, transfer_matrix


def without(context):
    """The changes of the students that were trained without a context."""
    return {"held_out": str(Fold(CONTEXT, context))}


def held_out_shards():
    """Each in-sample cell by the students that were trained without its context, and by teacher and base."""
    cells = cells_of(config["splits"][IN_SAMPLE])
    return STORE.shards(cells, ["teacher", "base"]) + [
        file for model in TUNED for cell in cells for file in STORE.shards([cell], [model], without(cell[1]))
    ]


def reworded_shards():
    """Each wording by the students that were trained without its situation, and by teacher and base."""
    taught = config["splits"][IN_SAMPLE]
    reworded = [
        (context, (game, wording))
        for context, wordings in rewordings(taught["contexts"], RESOURCES).items()
        for wording in wordings
        for game in games_of(taught)
    ]
    untuned = STORE.shards([cell for _, cell in reworded], ["teacher", "base"])
    return untuned + [
        file
        for model in TUNED
        for context, cell in reworded
        for file in STORE.shards([cell], [model], without(context))
    ]


FOLDS = groups_of(BY_NAME["transfer_matrix"])


rule tabulate_transfer_matrix:
    input:
        **{name: lazy_shards(IN_SAMPLE, TUNED, changes) for name, changes in FOLDS.items()},
        untuned=lazy_shards(IN_SAMPLE, ["teacher", "base"]),
    output:
        **own_tables("transfer_matrix"),
    log:
        f"{OWN_LOGS}/evaluate/transfer_matrix.log",
    params:
        **packed_params("untuned"),
        evaluation=flags(config["evaluation"]),
        students=lambda wildcards, input: " ".join(
            shlex.join(["--students", name, *pack_paths(input[name])]) for name in FOLDS
        ),
    shell:
        python("tabulate_transfer_matrix.py") + " --untuned {params.untuned} {params.students} {params.evaluation}"
        " --output {output.transfer_matrix:q} 2>&1 | tee {log:q}"


rule plot_transfer_matrix:
    input:
        table=rules.tabulate_transfer_matrix.output.transfer_matrix,
    output:
        figure("transfer_matrix"),
    log:
        f"{OWN_LOGS}/figures/transfer_matrix.log",
    params:
        captions=CAPTIONED,
    shell:
        python("plot_transfer_matrix.py") + " --table {input.table:q} --output {output:q} > {log:q} 2>&1"


# The same models asked in other ways: response_curves, compare_prompt_formats, precision_drift


def curve_shards(wildcards):
    asked = all_cells(CHOICE_SPLITS)
    cells = set(curve_cells(asked))
    if lost := games_without_curve(asked):
        snakemake_logger.warning(f"No response curve of {', '.join(lost)}: no context has all of its payoffs.")
    files = [
        file
        for split in CHOICE_SPLITS
        for file in STORE.shards(
            [cell for cell in cells_of(config["splits"][split]) if cell in cells], models_of(split)
        )
    ]
    if not files:
        raise Refusal(
            f"{CONFIG_NAMES}: splits: no game at several scales or shifts, all of them in one and the same context"
            " (see config/payoff_scales.yaml)"
        )
    return list(dict.fromkeys(files))


rule tabulate_response_curves:
    input:
        shards=curve_shards,
    output:
        **own_tables("response_curves"),
    log:
        f"{OWN_LOGS}/evaluate/response_curves.log",
    params:
        **packed_params("shards"),
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("tabulate_response_curves.py") + " --shards {params.shards} {params.confidence}"
        " --output {output.response_curves:q} 2>&1 | tee {log:q}"


rule plot_response_curves:
    input:
        table=rules.tabulate_response_curves.output.response_curves,
    output:
        figure("response_curves"),
    log:
        f"{OWN_LOGS}/figures/response_curves.log",
    params:
        captions=CAPTIONED,
    shell:
        python("plot_response_curves.py") + " --table {input.table:q} --output {output:q} > {log:q} 2>&1"


def formats_shards(wildcards):
    study = BY_NAME["compare_prompt_formats"]
    # Here too, since the table can be asked for by its path.
    checked(study.check)
    asked = study.asks(config).values()
    return [file for settings in asked for file in shards(IN_SAMPLE, ["teacher"], **settings)]


rule tabulate_prompt_formats:
    input:
        shards=formats_shards,
    output:
        **own_tables("prompt_formats"),
    log:
        f"{OWN_LOGS}/evaluate/prompt_formats.log",
    params:
        **packed_params("shards"),
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("tabulate_prompt_formats.py")
        + " --shards {params.shards} {params.confidence} --output {output.prompt_formats:q} 2>&1 | tee {log:q}"


DRIFT = BY_NAME["precision_drift"].asks(config)


rule tabulate_precision_drift:
    input:
        **{name: lazy_shards(IN_SAMPLE, TUNED, **settings) for name, settings in DRIFT.items()},
    output:
        **own_tables("precision_drift"),
    log:
        f"{OWN_LOGS}/evaluate/precision_drift.log",
    params:
        **packed_params(*DRIFT),
    shell:
        python("precision_drift.py")
        + " --trained {params.trained} --bfloat16 {params.bfloat16} --merged {params.merged}"
        " --output {output.precision_drift:q} 2>&1 | tee {log:q}"


# Questions of a study's own, besides cells: collateral, labels, and labels asked of counterbalancing's students

BALANCED = groups_of(BY_NAME["counterbalancing"])


def answering_name(wildcards):
    """What a table calls the model that answers: a study's student by its group as well."""
    student = STORE.weights[wildcards.weights].student
    if student in (None, STUDENT):
        return wildcards.model
    groups = [name for name, changes in BALANCED.items() if STORE.student(changes) == student]
    return f"{groups[0]}-{wildcards.model.removeprefix('tuned-')}" if groups else wildcards.model


class Question(NamedTuple):
    """The script that asks, the files that it reads besides the in-sample games, and its other flags."""

    script: str
    files: dict
    words: str = ""


# Folder of the answers → the question.
QUESTIONS = {"probes": Question("probe_model.py", {"probes": RESOURCES / "collateral" / "probes.yaml"})} | {
    f"labels/{labels}": Question(
        "score_labels.py",
        {
            "labels_file": RESOURCES / "labels" / f"{labels}.yaml",
            "context_files": context_files(config["splits"][IN_SAMPLE]["contexts"]),
        },
        " ".join(
            [
                flags(config["splits"][IN_SAMPLE], "contexts"),
                flags(config, "option_orders"),
                flags(config["sampling"], "temperature"),
            ]
        ),
    )
    for labels in config["labels"]
}


def answers(question, students):
    """A file for the base student, and for each seed of some students. students: changes of their training sections."""
    asked = [("base", {}), *((model, changes) for changes in students for model in TUNED)]
    return [f"{EXPERIMENT}/{question}/{model}-{STORE.weights_key(model, changes)}.parquet" for model, changes in asked]


def question_flags(wildcards, input):
    question = QUESTIONS[wildcards.question]
    words = []
    for name in question.files:
        files = input[name]
        words += [f"--{name.replace('_', '-')}", *([files] if isinstance(files, str) else files)]
    return f"{shlex.join(words)} {question.words}"


rule ask_model:
    input:
        unpack(weights_inputs),
        unpack(lambda wildcards: QUESTIONS[wildcards.question].files),
        games=game_files(IN_SAMPLE),
        tables=game_tables(IN_SAMPLE),
        prompt_format=prompt_format_file(),
    output:
        f"{EXPERIMENT}/{{question}}/{{model}}-{{weights}}.parquet",
    log:
        f"{OWN_LOGS}/{{question}}/{{model}}-{{weights}}.log",
    benchmark:
        f"{OWN_BENCHMARKS}/{{question}}/{{model}}-{{weights}}.tsv"
    wildcard_constraints:
        question="|".join(QUESTIONS),
    priority: turn_of_weights
    threads: config["sampling"]["threads"]
    resources:
        **model_resources("student", "sample"),
    params:
        python=lambda wildcards: python(
            QUESTIONS[wildcards.question].script, "serve_engine.py", plugins=(engine_module(wildcards),)
        ),
        name=answering_name,
        games=flags({"games": games_of(config["splits"][IN_SAMPLE])}),
        question=question_flags,
        answering=answering,
        idle_seconds=untracked(IDLE_SECONDS),
    shell:
        TORCH
        + "{params.python} --model {params.name} {params.question} {params.games} --game-files {input.games:q}"
        + " --prompt-format-file {input.prompt_format:q} {params.answering} --idle-seconds {params.idle_seconds}"
        + " --threads {threads} --gpus {resources.devices} --output {output:q} > {log:q} 2>&1"


rule tabulate_collateral:
    input:
        probes=answers("probes", [{}]),
    output:
        **own_tables("collateral"),
    log:
        f"{OWN_LOGS}/evaluate/collateral.log",
    params:
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("tabulate_collateral.py")
        + " --probes {input.probes:q} {params.confidence} --output {output.collateral:q} 2>&1 | tee {log:q}"


def label_scores(wildcards):
    students = [{}] if wildcards.table == "labels" else BALANCED.values()
    return [file for labels in sorted(config["labels"]) for file in answers(f"labels/{labels}", students)]


rule tabulate_labels:
    input:
        scores=label_scores,
        teacher=lazy_shards(IN_SAMPLE, ["teacher"]),
    output:
        labels=f"{EXPERIMENT}/tables/{{table}}.parquet",
        others=[f"{EXPERIMENT}/tables/{{table}}.{kind}" for kind in ("csv", "tex")],
    log:
        f"{OWN_LOGS}/evaluate/{{table}}.log",
    wildcard_constraints:
        table="labels|counterbalancing_labels",
    params:
        **packed_params("teacher"),
        evaluation=flags(config["evaluation"]),
    shell:
        python("tabulate_labels.py")
        + " --scores {input.scores:q} --teacher-shards {params.teacher} {params.evaluation} --output {output.labels:q}"
        + " 2>&1 | tee {log:q}"


# The run's other students, and finished experiments, beside this one: compare


# Folder of the experiment of each other student → its config.
STUDENT_FOLDERS = {f"{RESULTS}/{run.store.config['experiment']}": run.store.config for run in OTHER_STUDENTS.values()}


def compared_folders():
    """This experiment's folder, those of the other students of the run, and those of finished experiments."""
    finished = (f"{RESULTS}/{name}" for name in config["compared_experiments"])
    return list(dict.fromkeys([EXPERIMENT, *STUDENT_FOLDERS, *finished]))


def has_split(folder, split):
    """Whether an experiment compares its student with its teacher in a split, or will."""
    if folder in STUDENT_FOLDERS:
        return answered_by_teacher(config["splits"][split], STUDENT_FOLDERS[folder]["teacher"])
    return (Path(folder) / f"tables/{split}/alignment.parquet").exists()


def compared_splits():
    """The splits that all of them have."""
    folders = compared_folders()[1:]
    return [split for split in in_sample_first(SPLITS) if all(has_split(folder, split) for folder in folders)]


def experiment_tables(wildcards):
    checked(BY_NAME["compare"].check)
    return [
        f"{folder}/tables/{split}/{name}.parquet"
        for folder in compared_folders()
        for split in compared_splits()
        for name in ("alignment", "propensities")
    ]


rule tabulate_experiments:
    input:
        tables=experiment_tables,
    output:
        **own_tables("experiments"),
    log:
        f"{OWN_LOGS}/evaluate/experiments.log",
    params:
        experiments=lambda wildcards: shlex.join(compared_folders()),
        splits=lambda wildcards: shlex.join(compared_splits()),
    shell:
        python("tabulate_experiments.py") + " --experiments {params.experiments} --splits {params.splits}"
        " --output {output.experiments:q} 2>&1 | tee {log:q}"


rule plot_experiments:
    input:
        table=rules.tabulate_experiments.output.experiments,
    output:
        figure("experiments"),
    log:
        f"{OWN_LOGS}/figures/experiments.log",
    params:
        captions=CAPTIONED,
    shell:
        python("plot_experiments.py") + " --table {input.table:q} --output {output:q} > {log:q} 2>&1"
