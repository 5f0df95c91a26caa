"""Evaluation: the shards of a split become tables, and the tables of all splits a summary.

in: a split's shards, the in-sample shards of teacher and base (the baselines are fitted there alone)
out: tables/{split}/*.{parquet,csv,tex}, tables/{sensitivities,reactions,joint_choice_model,games}.{parquet,csv,tex}, summary.md
"""


rule evaluate_in_sample:
    input:
        shards=lazy_shards(IN_SAMPLE, ["teacher", "base", *TUNED]),
        reference=lazy_shards(IN_SAMPLE, ["teacher", "base"]),
        published=RESOURCES / "paper" / "observed_choices.csv",
    output:
        **table_files("{split}"),
    log:
        f"{RESULTS}/logs/evaluate/{{split}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/{{split}}.tsv"
    wildcard_constraints:
        split=IN_SAMPLE,
    params:
        **packed_params("shards", "reference"),
        evaluation=flags(config["evaluation"]),
    shell:
        python("evaluate_split.py") + " --split {wildcards.split} --shards {params.shards}"
        " --reference-shards {params.reference} --published {input.published} {params.evaluation}"
        " " + table_flags(TABLES) + " 2>&1 | tee {log}"


rule measure_sensitivities:
    input:
        propensities=table(SPLITS, "propensities"),
    output:
        **SENSITIVITIES,
    log:
        f"{RESULTS}/logs/evaluate/sensitivities.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/sensitivities.tsv"
    params:
        evaluation=flags(config["evaluation"]),
    shell:
        python("measure_sensitivities.py") + " --propensities {input.propensities} {params.evaluation}"
        " " + table_flags(SENSITIVITY_TABLES) + " 2>&1 | tee {log}"


rule tabulate_games:
    input:
        games=sorted({file for split in CHOICE_SPLITS for file in game_files(split)}),
        propensities=table(CHOICE_SPLITS, "propensities"),
    output:
        **GAME_TABLES,
    log:
        f"{RESULTS}/logs/evaluate/games.log",
    shell:
        python("tabulate_games.py") + " --game-files {input.games} --propensities {input.propensities}"
        " --output {output.games} 2>&1 | tee {log}"


rule summarise_run:
    input:
        alignment=table(SPLITS, "alignment"),
        diagnostics=table(SPLITS, "diagnostics"),
        improvements=table(SPLITS, "improvements"),
        equivalence=table(SPLITS, "equivalence"),
        generalisation=table(SPLITS, "generalisation"),
        sensitivities=SENSITIVITIES["sensitivities"],
        joint=SENSITIVITIES["joint_choice_model"],
        number_means=number_table("number_means"),
        number_gaps=number_table("number_gaps"),
        published=RESOURCES / "paper" / "observed_choices.csv",
        contributions=RESOURCES / "paper" / "observed_contributions.csv",
    output:
        report(f"{RESULTS}/summary.md", caption=f"{CAPTIONS}summary.rst", category="Summary"),
    log:
        f"{RESULTS}/logs/summarise.log",
    benchmark:
        f"{RESULTS}/benchmarks/summarise.tsv"
    params:
        teacher=name_of("teacher"),
        student=name_of("student"),
        # What frozen adapters were taught is not in the config.
        uniform_target_contexts=" ".join([] if FROZEN else sorted(config["training"]["uniform_target_contexts"])),
    shell:
        python("summarise_run.py") + " --alignment {input.alignment} --diagnostics {input.diagnostics}"
        " --improvements {input.improvements} --equivalence {input.equivalence}"
        " --generalisation {input.generalisation} --sensitivities {input.sensitivities}"
        " --joint-choice-model {input.joint} --number-means {input.number_means}"
        " --number-gaps {input.number_gaps}"
        " --published {input.published} --contributions {input.contributions}"
        " --teacher {params.teacher:q} --student {params.student:q} --uniform-target-contexts {params.uniform_target_contexts} --output {output} 2>&1 | tee {log}"
