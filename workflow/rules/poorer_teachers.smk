"""Less of the teacher: students of fewer of its observations, and of a teacher whose choices say nothing of the cells.

In sample alone: what is out of sample was looked at once, with the recipe that was chosen. Not part of `all`: both
targets train one adapter for each poorer teacher and seed; all observations and the teacher as it is are the run's own.
in: as train.smk and sample.smk
out: poorer_teachers/{taught}/{adapters,shards}/, tables/{learning_curve,controls}.{parquet,csv,tex},
figures/{learning_curve,controls}.*
"""

from tom.config.checks import check_learning_curve

TAUGHT = f"{RESULTS}/poorer_teachers/{{taught}}"
CONTROLS = ("shuffled", "constant")
NUMBERS = config["learning_curve"]["observations"]


wildcard_constraints:
    taught="|".join([*CONTROLS, "observations[0-9]+"]),


def poorer_recipe(wildcards):
    """The run's recipe, and what is left of the teacher."""
    if wildcards.taught in CONTROLS:
        left = f"--teacher {wildcards.taught}"
    else:
        left = f"--observations-per-cell {wildcards.taught.removeprefix('observations')}"
    return f"{rules.train_adapter.params.recipe} {left}"


use rule train_adapter as train_poorer with:
    output:
        **adapter_files(f"{TAUGHT}/adapters/seed{{seed}}"),
    log:
        f"{RESULTS}/logs/train/{{taught}}-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{taught}}-seed{{seed}}.tsv"
    params:
        recipe=poorer_recipe,


use rule sample_tuned as sample_poorer with:
    input:
        **tuned_inputs(f"{TAUGHT}/adapters/seed{{seed}}"),
    output:
        f"{TAUGHT}/shards/tuned-seed{{seed}}/{{game}}/{{context}}.parquet",
    log:
        f"{RESULTS}/logs/sample/{{taught}}-seed{{seed}}/{{game}}-{{context}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample/{{taught}}-seed{{seed}}/{{game}}-{{context}}.tsv"


def poorer_shards(names):
    """The students' shards by what they were taught, the run's own as `as_is`, and the teacher's and the base's."""
    poorer = {name: lazy_shards(IN_SAMPLE, TUNED, stage=f"poorer_teachers/{name}") for name in names}
    return poorer | {"as_is": lazy_shards(IN_SAMPLE, TUNED), "untuned": lazy_shards(IN_SAMPLE, ["teacher", "base"])}


rule tabulate_controls:
    input:
        **poorer_shards(CONTROLS),
    output:
        **in_all_formats(f"{RESULTS}/tables", ("controls",)),
    log:
        f"{RESULTS}/logs/evaluate/controls.log",
    params:
        **packed_params(*CONTROLS, "as_is", "untuned"),
        evaluation=flags(config["evaluation"]),
    shell:
        python("tabulate_students.py") + " --by teacher --split " + IN_SAMPLE + " --untuned {params.untuned}"
        " --students as_is {params.as_is} --students shuffled {params.shuffled} --students constant {params.constant}"
        " --reference-shards {params.untuned} {params.evaluation} --output {output.controls} 2>&1 | tee {log}"


use rule plot_supervision as plot_controls with:
    input:
        tables=rules.tabulate_controls.output.controls,
    output:
        figure("controls"),
    log:
        f"{RESULTS}/logs/figures/controls.log",
    params:
        by="teacher",


rule controls:
    input:
        figure("controls"),
        rules.tabulate_controls.output,


def timings(number):
    """The benchmark files of the trainings on so many observations a cell, or on all of them."""
    name = "all" if number == "all" else f"observations{number}"
    return expand(f"{RESULTS}/benchmarks/train/{name}-seed{{seed}}.tsv", seed=config["training"]["seeds"])


rule tabulate_learning_curve:
    input:
        **poorer_shards([f"observations{number}" for number in NUMBERS]),
        **{f"seconds{number}": timings(number) for number in [*NUMBERS, "all"]},
    output:
        **in_all_formats(f"{RESULTS}/tables", ("learning_curve",)),
    log:
        f"{RESULTS}/logs/evaluate/learning_curve.log",
    params:
        **packed_params(*(f"observations{number}" for number in NUMBERS), "as_is", "untuned"),
        evaluation=flags(config["evaluation"]),
        gpus=config["student"]["gpus"],
    shell:
        python("tabulate_learning_curve.py")
        + " --split "
        + IN_SAMPLE
        + " --untuned {params.untuned} --reference-shards {params.untuned} "
        + " ".join(f"--students {number} {{params.observations{number}}}" for number in NUMBERS)
        + " --students all {params.as_is} "
        + " ".join(f"--timings {number} {{input.seconds{number}}}" for number in [*NUMBERS, "all"])
        + " --gpus {params.gpus} {params.evaluation} --output {output.learning_curve} 2>&1 | tee {log}"


rule plot_learning_curve:
    input:
        table=rules.tabulate_learning_curve.output.learning_curve,
    output:
        figure("learning_curve"),
    log:
        f"{RESULTS}/logs/figures/learning_curve.log",
    shell:
        python("plot_learning_curve.py") + " --table {input.table} --output {output} > {log} 2>&1"


def learnable(wildcards):
    """The figure and its table. Only who asks for them needs a teacher of more observations than the config lists."""
    try:
        check_learning_curve(config, ", ".join(CONFIG_FILES), RESOURCES)
    except UserError as error:
        raise WorkflowError(str(error))
    return [*figure("learning_curve"), *rules.tabulate_learning_curve.output]


rule learning_curve:
    input:
        learnable,
