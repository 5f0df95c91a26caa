"""Counterbalancing: students taught in the paper's one order, and with the letters exchanged too, beside the run's own.

In sample alone, as poorer_teachers.smk. Not part of `all`: it trains two adapters for each seed.
in: as train.smk and sample.smk
out: counterbalancing/{taught}/{adapters,shards,labels}/, tables/{counterbalancing,counterbalancing_labels}.*,
figures/counterbalancing.*
"""

from tom.prompts.variants import PAPER_VARIANT
from tom.config.checks import check_counterbalancing
from tom.training.recipe import BOTH

TAUGHT_IN = {"one_order": f"--option-orders {PAPER_VARIANT.order}", BOTH: f"--label-mapping {BOTH}"}
BALANCED = f"{RESULTS}/counterbalancing/{{balanced}}"


wildcard_constraints:
    balanced="|".join(TAUGHT_IN),


def balanced_recipe(wildcards):
    """The run's recipe, its last words taken back."""
    return f"{rules.train_adapter.params.recipe} {TAUGHT_IN[wildcards.balanced]}"


use rule train_adapter as train_balanced with:
    output:
        **adapter_files(f"{BALANCED}/adapters/seed{{seed}}"),
    log:
        f"{RESULTS}/logs/train/{{balanced}}-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{balanced}}-seed{{seed}}.tsv"
    params:
        recipe=balanced_recipe,


use rule sample_tuned as sample_balanced with:
    input:
        **tuned_inputs(f"{BALANCED}/adapters/seed{{seed}}"),
    output:
        f"{BALANCED}/shards/tuned-seed{{seed}}/{{game}}/{{context}}.parquet",
    log:
        f"{RESULTS}/logs/sample/{{balanced}}-seed{{seed}}/{{game}}-{{context}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample/{{balanced}}-seed{{seed}}/{{game}}-{{context}}.tsv"


use rule score_labels_tuned as score_labels_balanced with:
    input:
        **adapted(f"{BALANCED}/adapters/seed{{seed}}"),
        **LABELLED,
    output:
        f"{BALANCED}/labels/{{labels}}/tuned-seed{{seed}}.parquet",
    log:
        f"{RESULTS}/logs/labels/{{labels}}-{{balanced}}-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/labels/{{labels}}-{{balanced}}-seed{{seed}}.tsv"
    params:
        model="{balanced}-seed{seed}",


rule tabulate_counterbalancing:
    input:
        **{name: lazy_shards(IN_SAMPLE, TUNED, stage=f"counterbalancing/{name}") for name in TAUGHT_IN},
        as_is=lazy_shards(IN_SAMPLE, TUNED),
        untuned=lazy_shards(IN_SAMPLE, ["teacher", "base"]),
    output:
        **in_all_formats(f"{RESULTS}/tables", ("counterbalancing",)),
    log:
        f"{RESULTS}/logs/evaluate/counterbalancing.log",
    params:
        **packed_params(*TAUGHT_IN, "as_is", "untuned"),
        evaluation=flags(config["evaluation"]),
    shell:
        python("tabulate_students.py")
        + f" --by counterbalancing --split {IN_SAMPLE}"
        + " --untuned {params.untuned} --students one_order {params.one_order} --students as_is {params.as_is}"
        + " --students both {params.both} --reference-shards {params.untuned} {params.evaluation}"
        + " --output {output.counterbalancing} 2>&1 | tee {log}"


use rule plot_supervision as plot_counterbalancing with:
    input:
        tables=rules.tabulate_counterbalancing.output.counterbalancing,
    output:
        figure("counterbalancing"),
    log:
        f"{RESULTS}/logs/figures/counterbalancing.log",
    params:
        by="counterbalancing",


use rule tabulate_labels as tabulate_counterbalancing_labels with:
    input:
        scores=[
            *rules.tabulate_labels.input.scores,
            *expand(
                f"{BALANCED}/labels/{{labels}}/{{model}}.parquet",
                balanced=TAUGHT_IN,
                labels=sorted(config["labels"]),
                model=TUNED,
            ),
        ],
        teacher=lazy_shards(IN_SAMPLE, ["teacher"]),
    output:
        **{
            kind: file.replace("tables/labels", "tables/counterbalancing_labels")
            for kind, file in in_all_formats(f"{RESULTS}/tables", ("labels",)).items()
        },
    log:
        f"{RESULTS}/logs/evaluate/counterbalancing_labels.log",


def comparable_orders(wildcards):
    """The figure and the tables. Only who asks for them needs students of both orders."""
    try:
        check_counterbalancing(config, ", ".join(CONFIG_FILES), RESOURCES)
    except UserError as error:
        raise WorkflowError(str(error))
    return [
        *figure("counterbalancing"),
        *rules.tabulate_counterbalancing.output,
        *rules.tabulate_counterbalancing_labels.output,
    ]


rule counterbalancing:
    input:
        comparable_orders,
