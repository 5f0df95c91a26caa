"""Export: each tuned student as a folder that is used elsewhere. Not part of `all`.

in: a student's adapter, the weights that it belongs to and those that it is merged into, its gaps in every split
out: export/seed{seed}/: adapter/, merged/, model.gguf, prompt.json and README.md, the model card; dataset/: all shards of
the run in one Parquet file for choices and one for numbers, a card and Croissant metadata
"""


def merged_student(wildcards):
    """The weights that a student's adapter is merged into."""
    folder = f"{STORE.merged_folder(MERGED)}/seed{wildcards.seed}"
    return {"merged_manifest": f"{folder}/manifest.json", "merged": ancient(f"{folder}/weights")}


def about_student(wildcards):
    """What the model card says of the config, as JSON."""
    student, taught, names = config["student"], config["splits"][IN_SAMPLE], ("name", "engine")
    known = ("name", "source", student["source"], "precision", "compute_dtype", "license")
    training = STUDENT.training or {}
    return json.dumps(
        {
            "student": {name: student[name] for name in known if name in student},
            "precision": STORE.precision_folder("student"),
            "teacher": {name: config["teacher"][name] for name in names},
            "recipe": {name: value for name, value in training.items() if name not in ("seeds", "threads")},
            "data": {name: config[name] for name in ("prompt_format", "option_orders", "observations")} | taught,
            "experiment": config["experiment"],
        },
        sort_keys=True,
    )


MERGED = STORE.weights_key(TUNED[0], merged=True)
EXAMPLE = cells_of(config["splits"][IN_SAMPLE])[0]


rule export_student:
    input:
        unpack(merged_student),
        unpack(lambda wildcards: adapted(STUDENT, wildcards.seed)),
        **prepared("student"),
        alignment=table(SPLITS, "alignment"),
        texts=[*STORE.texts(*EXAMPLE, STORE.asking("base", EXAMPLE[0])).values()],
        template=ROOT / "workflow" / "report" / "model_card.md.jinja",
    output:
        directory(f"{EXPERIMENT}/export/seed{{seed}}"),
    log:
        f"{OWN_LOGS}/export-seed{{seed}}.log",
    threads: config["sampling"]["threads"]
    resources:
        **model_resources("student", "merge"),
    params:
        about=about_student,
        game=members(EXAMPLE[0])[0],
        texts=lambda wildcards, input: shlex.join(
            f"--{name}-file={file}" for name, file in zip(("game", "context", "prompt-format"), input.texts)
        ),
    shell:
        TORCH
        + python("export_student.py")
        + " --weights {input.weights:q} --manifest {input.manifest:q} --adapter {input.adapter:q}"
        " --adapter-manifest {input.adapter_manifest:q} --merged {input.merged:q}"
        " --merged-manifest {input.merged_manifest:q} --alignment {input.alignment:q} --about {params.about:q}"
        " --game {params.game} {params.texts} --template {input.template:q} --threads {threads} --gpus 0"
        " --seed {wildcards.seed} --output {output:q} 2>&1 | tee {log:q}"


def split_words(kind, splits):
    """Flags of a script: each split with all shards of its models."""
    return " ".join(
        shlex.join([f"--{kind}", split, *pack_paths(shards(split, models_of(split)))])
        for split in in_sample_first(splits)
    )


rule export_dataset:
    input:
        shards=[file for split in (*CHOICE_SPLITS, *NUMBER_SPLITS) for file in shards(split, models_of(split))],
        template=ROOT / "workflow" / "report" / "dataset_card.md.jinja",
    output:
        directory(f"{EXPERIMENT}/dataset"),
    log:
        f"{OWN_LOGS}/export-dataset.log",
    params:
        shards=lambda wildcards: f"{split_words('choices', CHOICE_SPLITS)} {split_words('numbers', NUMBER_SPLITS)}",
        about=json.dumps(
            {
                "experiment": config["experiment"],
                "models": {"teacher": config["teacher"]["name"], "student": config["student"]["name"]},
            }
        ),
    shell:
        python("export_dataset.py") + " {params.shards} --about {params.about:q} --template {input.template:q}"
        " --output {output:q} 2>&1 | tee {log:q}"
