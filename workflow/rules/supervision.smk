"""What motivations teach: the same student taught in every way of training.supervision, and compared.

Needs a teacher that gives motivations. Not part of `all`: it trains one adapter for each supervision and seed.
in: as train.smk and sample.smk
out: supervision/{supervision}/{adapters,shards}/, tables/{split}/supervision.{parquet,csv,tex}, figures/supervision.*
"""

from tom.teaching.recipe import AS_ASKED, SUPERVISIONS
from tom.study_checks import check_supervision

SUPERVISED = f"{RESULTS}/supervision/{{supervision}}"


wildcard_constraints:
    supervision="|".join(SUPERVISIONS),


use rule train_adapter as train_supervised with:
    output:
        **adapter_files(f"{SUPERVISED}/adapters/seed{{seed}}"),
    log:
        f"{RESULTS}/logs/train/{{supervision}}-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{supervision}}-seed{{seed}}.tsv"
    params:
        # Steps on the choices alone would tell the supervisions apart by more than what they teach; and letters can
        # be exchanged in choices alone.
        recipe=(
            f"{RECIPE} {flags(config['training'], 'orders')} --letters {AS_ASKED}"
            " --refinements 0 --supervision {supervision}"
        ),


use rule sample_tuned as sample_supervised with:
    input:
        **tuned_inputs(f"{SUPERVISED}/adapters/seed{{seed}}"),
    output:
        f"{SUPERVISED}/shards/tuned-seed{{seed}}/{{game}}/{{context}}.parquet",
    log:
        f"{RESULTS}/logs/sample/{{supervision}}-seed{{seed}}/{{game}}-{{context}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample/{{supervision}}-seed{{seed}}/{{game}}-{{context}}.tsv"


def supervised_shards(wildcards):
    """The tuned shards of a split by supervision, the teacher's and the base's, and the script's other inputs."""
    tuned = {name: shards(wildcards.split, TUNED, stage=f"supervision/{name}") for name in SUPERVISIONS}
    return tuned | {"untuned": shards(wildcards.split, ["teacher", "base"])}


rule tabulate_supervision:
    input:
        unpack(supervised_shards),
        reference=later(IN_SAMPLE, ["teacher", "base"]),
    output:
        **in_all_formats(f"{RESULTS}/tables/{{split}}", ("supervision",)),
    log:
        f"{RESULTS}/logs/evaluate/supervision-{{split}}.log",
    wildcard_constraints:
        split="|".join(SPLITS),
    params:
        **packed("untuned", *SUPERVISIONS, "reference"),
        evaluation=flags(config["evaluation"]),
    shell:
        python("tabulate_students.py") + " --by supervision --split {wildcards.split} --untuned {params.untuned}"
        " --students choices {params.choices} --students replies {params.replies}"
        " --students other_motivations {params.other_motivations} --reference-shards {params.reference} {params.evaluation} --output {output.supervision} 2>&1 | tee {log}"


rule plot_supervision:
    input:
        tables=[f"{RESULTS}/tables/{split}/supervision.parquet" for split in in_sample_first(SPLITS)],
    output:
        figure("supervision"),
    log:
        f"{RESULTS}/logs/figures/supervision.log",
    params:
        by="supervision",
    shell:
        python("plot_students.py") + " --by {params.by} --tables {input.tables} --output {output} > {log} 2>&1"


def comparable(wildcards):
    """The figure and its tables. Only who asks for them needs a teacher that gives motivations."""
    for supervision in SUPERVISIONS:
        try:
            check_supervision(config, supervision, ", ".join(CONFIG_FILES), RESOURCES)
        except BadInput as error:
            raise WorkflowError(str(error))
    return [*figure("supervision"), *rules.plot_supervision.input.tables]


rule compare_supervision:
    input:
        comparable,
