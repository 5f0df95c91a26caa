"""What motivations teach: the same student taught in every way of training.target, and compared.

Needs a teacher that gives motivations. Not part of `all`: it trains one adapter for each target and seed.
in: as train.smk and sample.smk
out: target/{target}/{adapters,shards}/, tables/{split}/target.{parquet,csv,tex}, figures/target.*
"""

from tom.training.recipe import ORIGINAL, TARGETS
from tom.config.checks import check_target

SUPERVISED = f"{RESULTS}/target/{{target}}"


wildcard_constraints:
    target="|".join(TARGETS),


use rule train_adapter as train_supervised with:
    output:
        **adapter_files(f"{SUPERVISED}/adapters/seed{{seed}}"),
    log:
        f"{RESULTS}/logs/train/{{target}}-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{target}}-seed{{seed}}.tsv"
    params:
        # Steps on the choices alone would tell the targets apart by more than what they teach; and letters can
        # be exchanged in choices alone.
        recipe=(
            f"{RECIPE} {flags(config['training'], 'option_orders')} --label-mapping {ORIGINAL}"
            " --gauss-newton-steps 0 --target {target}"
        ),


use rule sample_tuned as sample_supervised with:
    input:
        **tuned_inputs(f"{SUPERVISED}/adapters/seed{{seed}}"),
    output:
        f"{SUPERVISED}/shards/tuned-seed{{seed}}/{{game}}/{{context}}.parquet",
    log:
        f"{RESULTS}/logs/sample/{{target}}-seed{{seed}}/{{game}}-{{context}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample/{{target}}-seed{{seed}}/{{game}}-{{context}}.tsv"


def supervised_shards(wildcards):
    """The tuned shards of a split by target, the teacher's and the base's, and the script's other inputs."""
    tuned = {name: shards(wildcards.split, TUNED, stage=f"target/{name}") for name in TARGETS}
    return tuned | {"untuned": shards(wildcards.split, ["teacher", "base"])}


rule tabulate_supervision:
    input:
        unpack(supervised_shards),
        reference=lazy_shards(IN_SAMPLE, ["teacher", "base"]),
    output:
        **in_all_formats(f"{RESULTS}/tables/{{split}}", ("target",)),
    log:
        f"{RESULTS}/logs/evaluate/target-{{split}}.log",
    wildcard_constraints:
        split="|".join(SPLITS),
    params:
        **packed_params("untuned", *TARGETS, "reference"),
        evaluation=flags(config["evaluation"]),
    shell:
        python("tabulate_students.py") + " --by target --split {wildcards.split} --untuned {params.untuned}"
        " --students choices {params.choices} --students replies {params.replies}"
        " --students shuffled_motivation {params.shuffled_motivation} --reference-shards {params.reference} {params.evaluation} --output {output.target} 2>&1 | tee {log}"


rule plot_supervision:
    input:
        tables=[f"{RESULTS}/tables/{split}/target.parquet" for split in in_sample_first(SPLITS)],
    output:
        figure("target"),
    log:
        f"{RESULTS}/logs/figures/target.log",
    params:
        by="target",
    shell:
        python("plot_students.py") + " --by {params.by} --tables {input.tables} --output {output} > {log} 2>&1"


def comparable(wildcards):
    """The figure and its tables. Only who asks for them needs a teacher that gives motivations."""
    for target in TARGETS:
        try:
            check_target(config, target, ", ".join(CONFIG_FILES), RESOURCES)
        except UserError as error:
            raise WorkflowError(str(error))
    return [*figure("target"), *rules.plot_supervision.input.tables]


rule compare_training_targets:
    input:
        comparable,
