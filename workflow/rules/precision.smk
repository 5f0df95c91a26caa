"""Evaluated as trained: how far the tuned students' exact propensities move at other precisions.

The students are trained and evaluated on one quantised base. Here the in-sample cells are scored on the unquantised
base in bfloat16 with the same adapter, and on the adapter merged into the dequantised base. Not part of `all`.
in: as train.smk and sample.smk
out: precision/{bfloat16,merged}/, tables/precision_drift.{parquet,csv,tex}
"""

# Exact propensities alone; of a flag that is given twice, the last counts.
SCORING = f"{SAMPLING} --observations 0"
BFLOAT16 = {
    "manifest": f"{RESULTS}/models/student/bfloat16/manifest.json",
    "weights": ancient(f"{RESULTS}/models/student/bfloat16/weights"),
}
MERGED = f"{RESULTS}/precision/merged/models/seed{{seed}}"


use rule sample_tuned as score_bfloat16 with:
    input:
        **tuned_inputs(ADAPTER) | BFLOAT16,
    output:
        f"{RESULTS}/precision/bfloat16/shards/tuned-seed{{seed}}/{{game}}/{{context}}.parquet",
    log:
        f"{RESULTS}/logs/sample/bfloat16-seed{{seed}}/{{game}}-{{context}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample/bfloat16-seed{{seed}}/{{game}}-{{context}}.tsv"
    params:
        sampling=f"{SCORING} --other-base",
        model="tuned-seed{seed}",


rule merge_adapter:
    input:
        **prepared("student"),
        adapter_manifest=f"{ADAPTER}/manifest.json",
        adapter=ancient(f"{ADAPTER}/adapter"),
    output:
        weights=directory(f"{MERGED}/weights"),
        manifest=f"{MERGED}/manifest.json",
    log:
        f"{RESULTS}/logs/merge_adapter/seed{{seed}}.log",
    threads: config["sampling"]["threads"]
    resources:
        **model_resources("student", "convert"),
    shell:
        TORCH
        + python("merge_adapter.py")
        + " --weights {input.weights} --manifest {input.manifest} --adapter {input.adapter}"
        " --adapter-manifest {input.adapter_manifest} --threads {threads} --output {output.weights}"
        " --output-manifest {output.manifest} 2>&1 | tee {log}"


use rule sample_untuned as score_merged with:
    input:
        manifest=f"{MERGED}/manifest.json",
        weights=ancient(f"{MERGED}/weights"),
        game=game_file,
        context=CONTEXT_FILE,
        prompt_format=prompt_format_file(),
    output:
        f"{RESULTS}/precision/merged/shards/tuned-seed{{seed}}/{{game}}/{{context}}.parquet",
    log:
        f"{RESULTS}/logs/sample/merged-seed{{seed}}/{{game}}-{{context}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample/merged-seed{{seed}}/{{game}}-{{context}}.tsv"
    resources:
        **model_resources("student", "sample"),
    params:
        sampling=SCORING,
        engine=engine_flags("student"),
        model="tuned-seed{seed}",


rule tabulate_precision_drift:
    input:
        trained=lazy_shards(IN_SAMPLE, TUNED),
        bfloat16=lazy_shards(IN_SAMPLE, TUNED, stage="precision/bfloat16"),
        merged=lazy_shards(IN_SAMPLE, TUNED, stage="precision/merged"),
    output:
        **in_all_formats(f"{RESULTS}/tables", ("precision_drift",)),
    log:
        f"{RESULTS}/logs/evaluate/precision_drift.log",
    params:
        **packed_params("trained", "bfloat16", "merged"),
    shell:
        python("precision_drift.py")
        + " --trained {params.trained} --bfloat16 {params.bfloat16} --merged {params.merged}"
        " --output {output.precision_drift} 2>&1 | tee {log}"


rule precision_drift:
    input:
        rules.tabulate_precision_drift.output,
