"""Ways of asking: the teacher's in-sample cells in several prompt_formats, as asking for reasons alone can move a choice.

Needs a teacher that answers live. Not part of `all`.
in: as sample.smk
out: prompt_formats/{prompt_format}/shards/teacher/, tables/prompt_formats.{parquet,csv,tex}
"""

ASKED_SHARD = f"{RESULTS}/prompt_formats/{{prompt_format}}/shards/{{model}}/{{game}}/{{context}}.parquet"
ASKED_LOG = f"{RESULTS}/logs/sample/{{prompt_format}}-{{model}}/{{game}}-{{context}}.log"
ASKED_TIME = f"{RESULTS}/benchmarks/sample/{{prompt_format}}-{{model}}/{{game}}-{{context}}.tsv"


wildcard_constraints:
    prompt_format="|".join(config["compared_prompt_formats"]),


def asked_prompt_format(wildcards):
    return RESOURCES / "prompt_formats" / f"{wildcards.prompt_format}.yaml"


if config["teacher"]["engine"] == "openai":

    use rule sample_endpoint as ask_endpoint with:
        input:
            game=game_file,
            context=CONTEXT_FILE,
            prompt_format=asked_prompt_format,
        output:
            shard=ASKED_SHARD,
            usage=f"{RESULTS}/prompt_formats/{{prompt_format}}/usage/{{model}}/{{game}}/{{context}}.json",
        log:
            ASKED_LOG,
        benchmark:
            ASKED_TIME
        wildcard_constraints:
            model="teacher",
        params:
            partial=f"{RESULTS}/partial/{{prompt_format}}/{{game}}-{{context}}.jsonl",

else:

    use rule sample_untuned as ask_local with:
        input:
            unpack(untuned_inputs),
            game=game_file,
            context=CONTEXT_FILE,
            prompt_format=asked_prompt_format,
        output:
            ASKED_SHARD,
        log:
            ASKED_LOG,
        benchmark:
            ASKED_TIME
        wildcard_constraints:
            model="teacher",
        params:
            sampling=f"{SAMPLING} {flags(config['sampling'], 'top_p')}",


def asked_shards(wildcards):
    return [
        file
        for prompt_format in config["compared_prompt_formats"]
        for file in shards(IN_SAMPLE, ["teacher"], stage=f"prompt_formats/{prompt_format}")
    ]


rule tabulate_prompt_formats:
    input:
        shards=asked_shards,
    output:
        **in_all_formats(f"{RESULTS}/tables", ("prompt_formats",)),
    log:
        f"{RESULTS}/logs/evaluate/prompt_formats.log",
    params:
        **packed_params("shards"),
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("tabulate_prompt_formats.py")
        + " --shards {params.shards} {params.confidence} --output {output.prompt_formats}"
        " 2>&1 | tee {log}"


def askable(wildcards):
    """The table. A recorded teacher was asked in one way, long ago."""
    if config["teacher"]["engine"] == "recorded":
        names = ", ".join(CONFIG_FILES)
        raise WorkflowError(
            f"{names}: teacher.engine: a recorded teacher can't be asked again (allowed: transformers, vllm, openai)"
        )
    return rules.tabulate_prompt_formats.output


rule compare_prompt_formats:
    input:
        askable,
