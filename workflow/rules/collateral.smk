"""Nothing else broken: what tuning did to neutral text, plain instructions and the understanding of payoffs.

Not part of `all`.
in: resources/collateral/probes.yaml, the in-sample games, the base student and the adapters
out: collateral/{base,tuned-seed*}.parquet, tables/collateral.{parquet,csv,tex}
"""

PROBING = {
    "probes": RESOURCES / "collateral" / "probes.yaml",
    "games": game_files(IN_SAMPLE),
    "prompt_format": prompt_format_file(),
}
PROBE = (
    TORCH
    + python("probe_model.py", "serve_engine.py")
    + " --model {params.model} --probes {input.probes} {params.games} --game-files {input.games}"
    + " --prompt-format-file {input.prompt_format} {params.engine} --idle-seconds {IDLE_SECONDS}"
    + " --weights {input.weights} --manifest {input.manifest} --threads {threads}"
)


rule probe_base:
    input:
        **prepared("student"),
        **PROBING,
    output:
        f"{RESULTS}/collateral/base.parquet",
    log:
        f"{RESULTS}/logs/collateral/base.log",
    benchmark:
        f"{RESULTS}/benchmarks/collateral/base.tsv"
    threads: config["sampling"]["threads"]
    resources:
        **model_resources("student", "sample"),
    params:
        games=flags(config["splits"][IN_SAMPLE], "games"),
        model="base",
        engine=engine_flags("student"),
    shell:
        PROBE + " --output {output} > {log} 2>&1"


use rule probe_base as probe_tuned with:
    input:
        **adapted(ADAPTER),
        **PROBING,
    output:
        f"{RESULTS}/collateral/tuned-seed{{seed}}.parquet",
    log:
        f"{RESULTS}/logs/collateral/tuned-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/collateral/tuned-seed{{seed}}.tsv"
    params:
        model="tuned-seed{seed}",
        engine=lambda wildcards, input: (
            f"{engine_flags('student')} --adapter {input.adapter} --adapter-manifest {input.adapter_manifest}"
        ),


rule tabulate_collateral:
    input:
        probes=[f"{RESULTS}/collateral/{model}.parquet" for model in ["base", *TUNED]],
    output:
        **in_all_formats(f"{RESULTS}/tables", ("collateral",)),
    log:
        f"{RESULTS}/logs/evaluate/collateral.log",
    params:
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("tabulate_collateral.py")
        + " --probes {input.probes} {params.confidence} --output {output.collateral} 2>&1 | tee {log}"


rule collateral:
    input:
        rules.tabulate_collateral.output,
