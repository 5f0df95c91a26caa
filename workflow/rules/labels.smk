"""Labels: the taught cells once more, with the options named otherwise. Not part of `all`.

in: resources/labels/*.yaml, the in-sample cells' texts, the base student and the adapters
out: labels/{labels}/{base,tuned-seed*}.parquet, tables/labels.{parquet,csv,tex}
"""

from tom.config.checks import check_labels

LABELLED = {
    "labels": RESOURCES / "labels" / "{labels}.yaml",
    "games": game_files(IN_SAMPLE),
    "contexts": context_files(IN_SAMPLE),
    "prompt_format": prompt_format_file(),
}
SCORE_LABELS = (
    TORCH
    + python("score_labels.py", "serve_engine.py")
    + " --model {params.model} --labels-file {input.labels} {params.cells} --game-files {input.games}"
    + " --context-files {input.contexts} --prompt-format-file {input.prompt_format} {params.engine}"
    + " --idle-seconds {IDLE_SECONDS} --weights {input.weights} --manifest {input.manifest} --threads {threads}"
)


wildcard_constraints:
    labels="[a-z][a-z0-9_]*",


rule score_labels:
    input:
        **prepared("student"),
        **LABELLED,
    output:
        f"{RESULTS}/labels/{{labels}}/base.parquet",
    log:
        f"{RESULTS}/logs/labels/{{labels}}-base.log",
    benchmark:
        f"{RESULTS}/benchmarks/labels/{{labels}}-base.tsv"
    threads: config["sampling"]["threads"]
    resources:
        **model_resources("student", "sample"),
    params:
        cells=" ".join(
            [
                flags(config["splits"][IN_SAMPLE], "games", "contexts"),
                flags(config, "option_orders"),
                flags(config["sampling"], "temperature"),
            ]
        ),
        model="base",
        engine=engine_flags("student"),
    shell:
        SCORE_LABELS + " --output {output} > {log} 2>&1"


use rule score_labels as score_labels_tuned with:
    input:
        **adapted(ADAPTER),
        **LABELLED,
    output:
        f"{RESULTS}/labels/{{labels}}/tuned-seed{{seed}}.parquet",
    log:
        f"{RESULTS}/logs/labels/{{labels}}-tuned-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/labels/{{labels}}-tuned-seed{{seed}}.tsv"
    params:
        model="tuned-seed{seed}",
        engine=lambda wildcards, input: (
            f"{engine_flags('student')} --adapter {input.adapter} --adapter-manifest {input.adapter_manifest}"
        ),


rule tabulate_labels:
    input:
        scores=[
            f"{RESULTS}/labels/{labels}/{model}.parquet"
            for labels in sorted(config["labels"])
            for model in ["base", *TUNED]
        ],
        teacher=lazy_shards(IN_SAMPLE, ["teacher"]),
    output:
        **in_all_formats(f"{RESULTS}/tables", ("labels",)),
    log:
        f"{RESULTS}/logs/evaluate/labels.log",
    params:
        **packed_params("teacher"),
        evaluation=flags(config["evaluation"]),
    shell:
        python("tabulate_labels.py")
        + " --scores {input.scores} --teacher-shards {params.teacher} {params.evaluation} --output {output.labels}"
        + " 2>&1 | tee {log}"


def nameable(wildcards):
    """The tables. Only who asks for them needs replies that begin with the choice."""
    try:
        check_labels(config, ", ".join(CONFIG_FILES), RESOURCES)
    except UserError as error:
        raise WorkflowError(str(error))
    return rules.tabulate_labels.output


rule labels:
    input:
        nameable,
