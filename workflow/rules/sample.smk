"""Sampling: one job, and one Parquet shard, for each (model, game, context).

in: a cell's texts, and the model (published counts, or weights with or without an adapter)
out: in_sample/shards/{model}/{game}/{context}.parquet; out_of_sample.smk and leave_one_out.smk use the same rules
"""

# A choice alone is drawn from exact probabilities, which top_p has no part in: it would rerun shards for nothing.
FREE_REPLIES = ["top_p"] if load_prompt_format(prompt_format_file()).form != CHOICE else []
SAMPLING = " ".join(
    [
        flags(config, "observations", "option_orders"),
        flags(config["sampling"], "seed", "temperature", "threads", *FREE_REPLIES),
    ]
)
# How long an engine waits changes no result, so it is no parameter that a rerun would follow. The GPUs of a cluster's
# job are needed by nobody else before it ends, and its engines end with it.
SUBMITTED = allocation() and not workflow.is_main_process
IDLE_SECONDS = max(config["sampling"]["idle_seconds"], 3600 if SUBMITTED else 0)
SAMPLE_SHARD = python("sample_shard.py", "serve_engine.py")
SAMPLE = (
    TORCH
    + "{params.python} --model {params.model} --game {wildcards.game} --game-file {input.game}"
    + " --context-file {input.context} --prompt-format-file {input.prompt_format} {params.sampling} {params.engine}"
    + " --idle-seconds {IDLE_SECONDS} --weights {input.weights} --manifest {input.manifest}"
)


if config["teacher"]["engine"] == "recorded":
    UNTUNED = "base"
    RECORDED = read_counts(config["teacher"]["recorded"]["counts"], config["teacher"]["recorded"]["model"])

    @cache
    def recorded_as(context):
        """Read once for each context, however many cells it has."""
        return recorded_context(context, RESOURCES)

    # The counts of one cell, and not the whole table: editing a cell reruns that cell.
    def recorded_counts(wildcards):
        cooperated, observations = RECORDED[wildcards.game, recorded_as(wildcards.context)]
        return f"--cooperated {cooperated} --observations {observations}"

    rule replay_teacher:
        output:
            f"{RESULTS}/in_sample/shards/teacher/{{game}}/{{context}}.parquet",
        log:
            f"{RESULTS}/logs/sample/teacher/{{game}}-{{context}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/sample/teacher/{{game}}-{{context}}.tsv"
        params:
            python=python("replay_shard.py"),
            counts=recorded_counts,
            prompt_format=config["prompt_format"],
        shell:
            "{params.python} {params.counts} --model teacher --game {wildcards.game}"
            " --context {wildcards.context} --prompt-format {params.prompt_format} --output {output} > {log} 2>&1"

elif config["teacher"]["engine"] == "openai":
    UNTUNED = "base"
    ENDPOINT = config["teacher"]["endpoint"]
    # How patiently it is asked, with which key and at what price changes no reply, so no rerun follows them.
    ASKING = flags(ENDPOINT, "concurrency", "give_up_minutes", "key_variable", "timeout_seconds") + "".join(
        f" --{kind}-price {price}" for kind, price in ENDPOINT.get("prices", {}).items()
    )
    PARTIAL = f"{RESULTS}/partial/teacher/{{game}}-{{context}}.jsonl"

    rule sample_endpoint:
        input:
            game=game_file,
            context=CONTEXT_FILE,
            prompt_format=prompt_format_file(),
        output:
            shard=f"{RESULTS}/in_sample/shards/teacher/{{game}}/{{context}}.parquet",
            usage=f"{RESULTS}/in_sample/usage/{{game}}/{{context}}.json",
        log:
            f"{RESULTS}/logs/sample/teacher/{{game}}-{{context}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/sample/teacher/{{game}}-{{context}}.tsv"
        resources:
            endpoint=1,
        params:
            python=python("sample_endpoint.py"),
            sampling=" ".join(
                [flags(config, "observations", "option_orders"), flags(config["sampling"], "seed", "temperature", "top_p")]
            ),
            endpoint=flags(
                {
                    "base_url": ENDPOINT["base_url"],
                    "endpoint_model": ENDPOINT["model"],
                    "length_parameter": ENDPOINT.get("length_parameter", "max_tokens"),
                    "n_per_request": ENDPOINT["n_per_request"],
                }
            ),
            partial=PARTIAL,
        shell:
            "{params.python} --model teacher --game {wildcards.game} --game-file {input.game}"
            " --context-file {input.context} --prompt-format-file {input.prompt_format} {params.sampling}"
            " {params.endpoint} {ASKING} --partial {params.partial} --usage {output.usage} --output {output.shard}"
            " > {log} 2>&1"

    def usage_files(wildcards):
        return [
            f"{RESULTS}/{stage_of(split)}/usage/{game}/{context}.json"
            for split in sorted(config["splits"], key=lambda split: (split != IN_SAMPLE, split))
            for game, context in cells_of(config["splits"][split])
        ]

    rule total_usage:
        input:
            usage=usage_files,
        output:
            USAGE_TABLE,
        log:
            f"{RESULTS}/logs/usage.log",
        params:
            **packed_params("usage"),
        shell:
            python("total_usage.py") + " --usage {params.usage} --output {output} 2>&1 | tee {log}"

else:
    UNTUNED = "base|teacher"


def untuned_role(wildcards):
    return "teacher" if wildcards.model == "teacher" else "student"


def untuned_inputs(wildcards):
    return prepared(untuned_role(wildcards))


def untuned_engine(wildcards):
    return engine_flags(untuned_role(wildcards))


rule sample_untuned:
    input:
        unpack(untuned_inputs),
        game=game_file,
        context=CONTEXT_FILE,
        prompt_format=prompt_format_file(),
    output:
        f"{RESULTS}/in_sample/shards/{{model}}/{{game}}/{{context}}.parquet",
    log:
        f"{RESULTS}/logs/sample/{{model}}/{{game}}-{{context}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample/{{model}}/{{game}}-{{context}}.tsv"
    wildcard_constraints:
        model=UNTUNED,
    threads: config["sampling"]["threads"]
    resources:
        **model_resources(untuned_role, "sample"),
    params:
        python=SAMPLE_SHARD,
        sampling=SAMPLING,
        model="{model}",
        engine=untuned_engine,
    shell:
        SAMPLE + " --output {output} > {log} 2>&1"


rule sample_tuned:
    input:
        **tuned_inputs(ADAPTER),
    output:
        f"{RESULTS}/in_sample/shards/tuned-seed{{seed}}/{{game}}/{{context}}.parquet",
    log:
        f"{RESULTS}/logs/sample/tuned-seed{{seed}}/{{game}}-{{context}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample/tuned-seed{{seed}}/{{game}}-{{context}}.tsv"
    threads: config["sampling"]["threads"]
    resources:
        **model_resources("student", "sample"),
    params:
        python=SAMPLE_SHARD,
        sampling=SAMPLING,
        model="tuned-seed{seed}",
        engine=engine_flags("student"),
    shell:
        SAMPLE + " --adapter {input.adapter} --adapter-manifest {input.adapter_manifest} --output {output} > {log} 2>&1"
