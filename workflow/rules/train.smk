"""QLoRA training: the in-sample shards of the teacher fan in, one adapter for all cells comes out.

in: every in-sample shard of the teacher, the cells' texts, the quantised student
out: replies/{replies}.parquet, all of those shards as one file, which every training reads;
adapters/{student}/seed{seed}/: the adapter and its manifest, the training curve, what the loss looked at
`student` is a key of the recipe and of all that it is trained on: the config's own student, and those of studies.
An interrupted training resumes from checkpoints/, which no rule declares; its end removes what it kept there.
"""

# Settings of a training that its flags leave out: files stand for them, or they change nothing.
NO_FLAGS = ("seeds", "threads", "uniform_target_contexts", "anchor_games", "anchor_contexts")


def recipe(wildcards):
    """A student's training section as flags, without what changes nothing that it learns."""
    training = dict(STORE.students[wildcards.student].training)
    training["label_pairs"] = [",".join(pair) for pair in training["label_pairs"]]
    words = [flags({name: training[name] for name in training if name not in NO_FLAGS})]
    return " ".join([*words, *map(shlex.quote, template_words(config["student"]))])


def uniform_targets(wildcards):
    return context_files(STORE.students[wildcards.student].training["uniform_target_contexts"])


def anchors(wildcards):
    return STORE.anchors(STORE.students[wildcards.student].training)


# Shards fan in here alone: Snakemake searches all inputs of a job for each file that is asked of it, and each shard of a
# student asks its training for a file.
rule gather_shards:
    input:
        shards=lambda wildcards: STORE.replies[wildcards.replies],
    output:
        f"{RESULTS}/replies/{{replies}}.parquet",
    log:
        f"{LOGS}/gather_shards/{{replies}}.log",
    wildcard_constraints:
        # Those of another study may be a table that this one's teacher is read from.
        replies=made_here("replies", STORE.replies_key),
    # Seconds of reading: as a cluster's job it would wait longer than it runs.
    localrule: True
    params:
        **packed_params("shards"),
    shell:
        python("gather_shards.py") + " --shards {params.shards} --output {output:q} 2>&1 | tee {log:q}"


rule train_adapter:
    input:
        unpack(anchors),
        **prepared("student"),
        replies=STORE.replies_file(),
        games=game_files(IN_SAMPLE),
        tables=game_tables(IN_SAMPLE),
        contexts=context_files(config["splits"][IN_SAMPLE]["contexts"]),
        uniform_targets=uniform_targets,
        prompt_format=prompt_format_file(),
    output:
        adapter=directory(f"{RESULTS}/adapters/{{student}}/seed{{seed}}/adapter"),
        manifest=f"{RESULTS}/adapters/{{student}}/seed{{seed}}/manifest.json",
        curve=f"{RESULTS}/adapters/{{student}}/seed{{seed}}/curve.csv",
        loss_report=f"{RESULTS}/adapters/{{student}}/seed{{seed}}/loss_report.json",
    log:
        f"{LOGS}/train/{{student}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/train/{{student}}-seed{{seed}}.tsv"
    wildcard_constraints:
        # Frozen adapters are no rule's output: no changed setting trains them anew.
        student=made_here("students", "[0-9a-f]{8}" if STUDENT.training else f"(?!{STUDENT.key})[0-9a-f]{{8}}"),
    priority: TRAINING_TURN
    threads: config["training"]["threads"]
    resources:
        **model_resources("student", "train"),
    params:
        recipe=recipe,
        checkpoints=untracked(f"{RESULTS}/checkpoints"),
    shell:
        TORCH
        + python("train_adapter.py")
        + " --replies {input.replies:q} --game-files {input.games:q} --context-files {input.contexts:q}"
        + " --uniform-target-files {input.uniform_targets:q}"
        + " --anchors {input.anchors:q} --anchor-texts {input.anchor_texts:q}"
        + " --prompt-format-file {input.prompt_format:q} --weights {input.weights:q} --manifest {input.manifest:q}"
        + " --threads {threads} --gpus {resources.devices} --checkpoints {params.checkpoints:q}"
        + " --seed {wildcards.seed} {params.recipe}"
        + " --output {output.adapter:q} --output-manifest {output.manifest:q} --curve {output.curve:q}"
        + " --output-loss-report {output.loss_report:q} 2>&1 | tee {log:q}"
