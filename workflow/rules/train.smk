"""QLoRA training: the in-sample shards of the teacher fan in, one adapter for all cells comes out.

in: every in-sample shard of the teacher, the cells' texts, the quantised student
out: in_sample/teacher.parquet, all of those shards as one file, which every training reads;
adapters/{fold}/seed{seed}/: the adapter and its manifest, the training curve, what the loss looked at
An interrupted training resumes from checkpoints/, which no rule declares; its end removes what it kept there.
"""

RECIPE = flags(
    {
        key: value
        for key, value in config["training"].items()
        if key not in ("seeds", "threads", "target", "gauss_newton_steps", "orders", "letters", "uniform_target_contexts")
    }
)
TEACHER_REPLIES = f"{RESULTS}/in_sample/teacher.parquet"
TRAIN = (
    TORCH
    + python("train_adapter.py")
    + " --replies {input.replies} --game-files {input.games} --context-files {input.contexts}"
    + " --uniform-target-files {input.uniform_targets}"
    + " --prompt-format-file {input.prompt_format} --weights {input.weights} --manifest {input.manifest}"
    + " --threads {threads} --checkpoints {RESULTS}/checkpoints --seed {wildcards.seed} {params.recipe} --output {output.adapter} --output-manifest {output.manifest}"
    + " --curve {output.curve} --output-loss-report {output.loss_report}"
)


# Seconds of reading: as a job of a cluster's, between the teacher's and the trainings, it would wait longer than it runs.
localrules:
    gather_teacher,


# Shards fan in here alone: Snakemake searches all inputs of a job for each file that is asked of it, and of a training
# every shard of its student asks some.
rule gather_teacher:
    input:
        shards=lazy_shards(IN_SAMPLE, ["teacher"]),
    output:
        TEACHER_REPLIES,
    log:
        f"{RESULTS}/logs/train/gather_teacher.log",
    params:
        **packed_params("shards"),
    shell:
        python("gather_shards.py") + " --shards {params.shards} --output {output} 2>&1 | tee {log}"


rule train_adapter:
    input:
        **prepared("student"),
        replies=TEACHER_REPLIES,
        games=game_files(IN_SAMPLE),
        contexts=context_files(IN_SAMPLE),
        uniform_targets=[RESOURCES / "contexts" / f"{context}.yaml" for context in sorted(config["training"]["uniform_target_contexts"])],
        prompt_format=prompt_format_file(),
    output:
        # Frozen adapters are nobody's output, even those of this run: no changed knob trains them anew.
        **adapter_files(f"{RESULTS}/adapters/anew/seed{{seed}}" if FROZEN else ADAPTER),
    log:
        f"{RESULTS}/logs/train/all-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/all-seed{{seed}}.tsv"
    threads: config["training"]["threads"]
    resources:
        **model_resources("student", "train"),
    params:
        recipe=f"{RECIPE} {flags(config['training'], 'target', 'gauss_newton_steps', 'option_orders', 'label_mapping')}",
    shell:
        TRAIN + " 2>&1 | tee {log}"
