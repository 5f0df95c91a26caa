"""Ways of asking: the teacher's in-sample cells in several elicitations, as asking for reasons alone can move a choice.

Needs a teacher that answers live. Not part of `all`.
in: as sample.smk
out: elicitations/{elicitation}/shards/teacher/, tables/elicitations.{parquet,csv,tex}
"""

ASKED_SHARD = f"{RESULTS}/elicitations/{{elicitation}}/shards/{{model}}/{{game}}/{{context}}.parquet"
ASKED_LOG = f"{RESULTS}/logs/sample/{{elicitation}}-{{model}}/{{game}}-{{context}}.log"
ASKED_TIME = f"{RESULTS}/benchmarks/sample/{{elicitation}}-{{model}}/{{game}}-{{context}}.tsv"


wildcard_constraints:
    elicitation="|".join(config["compared_elicitations"]),


def asked_elicitation(wildcards):
    return RESOURCES / "elicitations" / f"{wildcards.elicitation}.yaml"


if config["teacher"]["engine"] == "openai":

    use rule sample_endpoint as ask_endpoint with:
        input:
            game=game_file,
            context=CONTEXT_FILE,
            elicitation=asked_elicitation,
        output:
            shard=ASKED_SHARD,
            usage=f"{RESULTS}/elicitations/{{elicitation}}/usage/{{model}}/{{game}}/{{context}}.json",
        log:
            ASKED_LOG,
        benchmark:
            ASKED_TIME
        wildcard_constraints:
            model="teacher",
        params:
            partial=f"{RESULTS}/partial/{{elicitation}}/{{game}}-{{context}}.jsonl",

else:

    use rule sample_untuned as ask_local with:
        input:
            unpack(untuned_inputs),
            game=game_file,
            context=CONTEXT_FILE,
            elicitation=asked_elicitation,
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
        for elicitation in config["compared_elicitations"]
        for file in shards(IN_SAMPLE, ["teacher"], stage=f"elicitations/{elicitation}")
    ]


rule tabulate_elicitations:
    input:
        shards=asked_shards,
    output:
        **in_all_formats(f"{RESULTS}/tables", ("elicitations",)),
    log:
        f"{RESULTS}/logs/evaluate/elicitations.log",
    params:
        **packed("shards"),
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("tabulate_elicitations.py")
        + " --shards {params.shards} {params.confidence} --output {output.elicitations}"
        " 2>&1 | tee {log}"


def askable(wildcards):
    """The table. A recorded teacher was asked in one way, long ago."""
    if config["teacher"]["engine"] == "recorded":
        names = ", ".join(CONFIG_FILES)
        raise WorkflowError(
            f"{names}: teacher.engine: a recorded teacher can't be asked again (allowed: transformers, vllm, openai)"
        )
    return rules.tabulate_elicitations.output


rule compare_elicitations:
    input:
        askable,
