"""Sampling: one job, and one Parquet shard, for each (model, game, context).

in: a cell's texts, and the model: published counts, an endpoint, or weights with or without an adapter
out: shards/{model}-{weights}/{asking}/{game}/{context}.parquet, where `weights` is a key of what answers and `asking` the
prompt format and a key of how it is asked (tom/config/store.py)
Splits, studies and experiments share the shards that they have in common.
"""

from tom.sampling.recorded import read_contribution_counts, read_counts
from tom.sampling.recorded_replies import read_replies

SHARD = f"{RESULTS}/shards/{{model}}-{{weights}}/{{asking}}/{{game}}/{{context}}.parquet"
SHARD_LOG = f"{LOGS}/sample/{{model}}-{{weights}}/{{asking}}/{{game}}/{{context}}.log"
SHARD_TIME = f"{BENCHMARKS}/sample/{{model}}-{{weights}}/{{asking}}/{{game}}/{{context}}.tsv"
SHARD_USAGE = f"{RESULTS}/usage/{{model}}-{{weights}}/{{asking}}/{{game}}/{{context}}.json"
# Nobody else needs the GPUs of a cluster's job before it ends, and its engines end with it.
SUBMITTED = allocation() and not workflow.is_main_process
IDLE_SECONDS = max(config["sampling"]["idle_seconds"], 3600 if SUBMITTED else 0)


def cell_texts(wildcards):
    """The files that a cell's prompts are written from."""
    return STORE.texts(wildcards.game, wildcards.context, wildcards.asking)


def procedure(wildcards):
    return STORE.askings[wildcards.asking].procedure


def sampling_flags(wildcards):
    sampling = dict(STORE.askings[wildcards.asking].sampling)
    labels = sampling.pop("labels", None)
    return " ".join(
        [flags(sampling), *(["--labels-file", shlex.quote(f"{RESOURCES}/labels/{labels}.yaml")] if labels else [])]
    )


rule sample_shard:
    input:
        unpack(weights_inputs),
        unpack(cell_texts),
    output:
        SHARD,
    log:
        SHARD_LOG,
    benchmark:
        SHARD_TIME
    wildcard_constraints:
        model=made_here(
            "answers",
            (
                "base|tuned-seed[0-9]+"
                if config["teacher"]["engine"] in ("recorded", "computed", "openai")
                else "teacher|base|tuned-seed[0-9]+"
            ),
        ),
    priority: turn_of_weights
    threads: config["sampling"]["threads"]
    resources:
        **model_resources(role_of_weights, "sample"),
    params:
        python=lambda wildcards: python(
            "sample_shard.py",
            "serve_engine.py",
            plugins=(engine_module(wildcards), f"tom.sampling.{procedure(wildcards)}"),
        ),
        procedure=procedure,
        sampling=sampling_flags,
        answering=answering,
        idle_seconds=untracked(IDLE_SECONDS),
    shell:
        TORCH
        + "{params.python} --procedure {params.procedure} --model {wildcards.model} --game {wildcards.game}"
        + " --game-file {input.game:q} --context-file {input.context:q} --prompt-format-file {input.prompt_format:q}"
        + " {params.sampling} {params.answering} --gpus {resources.devices}"
        + " --idle-seconds {params.idle_seconds} --output {output:q} > {log:q} 2>&1"


if config["teacher"]["engine"] == "recorded":
    RECORDED = config["teacher"].get("recorded", {})
    # Splits of games in which a number is named, where the teacher was recorded.
    GIVEN_NUMBERS = [name for name, split in NUMBER_SPLITS.items() if answered_by_teacher(split, config["teacher"])]
    COUNTS = read_counts(RECORDED["counts"], RECORDED["model"]) if "counts" in RECORDED else {}
    GIVEN = read_contribution_counts(RECORDED["contributions"], RECORDED["model"]) if GIVEN_NUMBERS else {}
    REPLIES = read_replies(RECORDED["replies"]) if "replies" in RECORDED else {}
    REPLIED = {game for game, _ in REPLIES}

    @cache
    def recorded_as(context):
        return recorded_context(context, RESOURCES)

    def in_words(wildcards):
        """Whether the teacher's replies in a cell are known, and not just their counts."""
        asked = wildcards.game in REPLIED and (wildcards.game, wildcards.context) not in GIVEN
        return asked and (wildcards.game, recorded_as(wildcards.context)) in REPLIES

    def recorded_counts(wildcards):
        """The counts of one cell, and not the whole table: an edit of one cell's counts reruns that cell.

        A game set's own table is an input, since its counts would fill the command line.
        """
        if is_member(wildcards.game):
            file = game_file(wildcards.game, RESOURCES)
            return shlex.join(["--game-file", str(file), "--recorded-as", recorded_as(wildcards.context)])
        if in_words(wildcards):
            words = ["--settings", json.dumps(RECORDED["replies"], sort_keys=True)]
            words += [
                "--recorded-as",
                recorded_as(wildcards.context),
                "--form",
                load_prompt_format(prompt_format_file()).form,
            ]
            return shlex.join(words)
        cell = wildcards.game, wildcards.context
        if cell in GIVEN:
            words = ["--contributions", *GIVEN[cell], "--counts", *GIVEN[cell].values()]
        else:
            cooperated, observations = COUNTS[cell[0], recorded_as(cell[1])]
            words = ["--cooperated", cooperated, "--observations", observations]
        return " ".join(map(str, words))

    def answer_table(wildcards):
        """The table of replies in words; or that of a game set's answers, and the set's file."""
        if in_words(wildcards):
            return [RECORDED["replies"]["file"]]
        if not is_member(wildcards.game):
            return []
        return [game_file(wildcards.game, RESOURCES), game_table(wildcards.game, RESOURCES)]

    rule replay_shard:
        input:
            answer_table,
        output:
            SHARD,
        log:
            SHARD_LOG,
        benchmark:
            SHARD_TIME
        wildcard_constraints:
            model=made_here("answers", "teacher"),
        # On a cluster all of them share an allocation, whose time is the sum of theirs.
        resources:
            mem_mb=500,
            runtime=1,
            work_seconds=2,
        params:
            python=lambda wildcards: python("replay_replies.py" if in_words(wildcards) else "replay_shard.py"),
            counts=recorded_counts,
            prompt_format=lambda wildcards: STORE.askings[wildcards.asking].prompt_format,
        shell:
            "{params.python} {params.counts} --model {wildcards.model} --game {wildcards.game}"
            " --context {wildcards.context} --prompt-format {params.prompt_format} --output {output:q} > {log:q} 2>&1"


if config["teacher"]["engine"] == "computed":

    def computed_from(wildcards):
        """The behavioural model, the game's file, and the table of a game set that has one."""
        texts = {**STORE.texts(wildcards.game, wildcards.context, wildcards.asking)}
        kept = {name: texts[name] for name in ("game", "table") if name in texts}
        return {"behaviour": behaviour_file(config["teacher"], RESOURCES), **kept}

    rule compute_shard:
        input:
            unpack(computed_from),
        output:
            SHARD,
        log:
            SHARD_LOG,
        benchmark:
            SHARD_TIME
        wildcard_constraints:
            model=made_here("answers", "teacher"),
        params:
            sampling=sampling_flags,
            prompt_format=lambda wildcards: STORE.askings[wildcards.asking].prompt_format,
        shell:
            python("compute_shard.py") + " --behaviour-file {input.behaviour:q} --model {wildcards.model}"
            " --game {wildcards.game} --game-file {input.game:q} --context {wildcards.context}"
            " --prompt-format {params.prompt_format} {params.sampling} --output {output:q} > {log:q} 2>&1"


if config["teacher"]["engine"] == "openai":
    ENDPOINT = config["teacher"]["endpoint"]
    RENAMED = ENDPOINT.get("parameters", {})
    # How patiently it is asked, with which key and at what price changes no reply.
    ASKING = flags(ENDPOINT, "concurrency", "give_up_minutes", "key_variable", "timeout_seconds") + "".join(
        f" --{kind}-price {price}" for kind, price in ENDPOINT.get("prices", {}).items()
    )

    rule sample_endpoint:
        input:
            unpack(cell_texts),
        output:
            shard=SHARD,
            usage=SHARD_USAGE,
        log:
            SHARD_LOG,
        benchmark:
            SHARD_TIME
        wildcard_constraints:
            model=made_here("answers", "teacher"),
        resources:
            endpoint=1,
        params:
            python=lambda wildcards: python("sample_endpoint.py", plugins=(f"tom.sampling.{procedure(wildcards)}",)),
            procedure=procedure,
            sampling=sampling_flags,
            # By a function, since braces in a parameter that is a string would be taken for wildcards.
            endpoint=lambda wildcards: flags(
                {
                    "base_url": ENDPOINT["base_url"],
                    "endpoint_model": ENDPOINT["model"],
                    "n_per_request": ENDPOINT["n_per_request"],
                    "parameters": [f"{name}={sent or ''}" for name, sent in sorted(RENAMED.items())] or None,
                }
            ),
            asking=untracked(ASKING),
            partial=f"{RESULTS}/partial/{{model}}-{{weights}}/{{asking}}/{{game}}-{{context}}.jsonl",
        shell:
            "{params.python} --procedure {params.procedure} --model {wildcards.model} --game {wildcards.game}"
            " --game-file {input.game:q} --context-file {input.context:q} --prompt-format-file {input.prompt_format:q}"
            " {params.sampling} {params.endpoint} {params.asking} --partial {params.partial:q} --usage {output.usage:q}"
            " --output {output.shard:q} > {log:q} 2>&1"

    def usage_files(wildcards):
        asked = [file for split in in_sample_first(config["splits"]) for file in shards(split, ["teacher"])]
        found = (file.replace(f"{RESULTS}/shards/", f"{RESULTS}/usage/", 1) for file in dict.fromkeys(asked))
        return [str(Path(file).with_suffix(".json")) for file in found]

    rule total_usage:
        input:
            usage=usage_files,
        output:
            f"{EXPERIMENT}/tables/usage.csv",
        log:
            f"{OWN_LOGS}/usage.log",
        params:
            **packed_params("usage"),
        shell:
            python("total_usage.py") + " --usage {params.usage} --output {output:q} 2>&1 | tee {log:q}"


USAGE_TABLE = [f"{EXPERIMENT}/tables/usage.csv"] if config["teacher"]["engine"] == "openai" else []
