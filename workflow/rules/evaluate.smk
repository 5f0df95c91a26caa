"""Evaluation: the shards of a split become tables, and the tables of all splits a summary.

in: a split's shards, the in-sample shards of teacher and base (the baselines are fitted on them alone)
out: tables/{split}/*, tables/{sensitivities,reactions,joint_choice_model,games,number_games,main_result}.*,
summary.md
"""


def split_shards(wildcards):
    """Teacher, base and tuned students in a split; where contexts are held out, students that were trained without."""
    if wildcards.split == HELD_OUT:
        return held_out_shards()
    if wildcards.split == HELD_OUT_REWORDED:
        return reworded_shards()
    return shards(wildcards.split)


rule evaluate_split:
    input:
        shards=split_shards,
        reference=lazy_shards(IN_SAMPLE, ["teacher", "base"]),
        published=PUBLISHED,
    output:
        **split_tables("{split}", COMPARED_TABLES),
    log:
        f"{OWN_LOGS}/evaluate/{{split}}.log",
    benchmark:
        f"{OWN_BENCHMARKS}/evaluate/{{split}}.tsv"
    wildcard_constraints:
        split="|".join([*SPLITS, HELD_OUT, HELD_OUT_REWORDED]),
    params:
        **packed_params("shards", "reference"),
        evaluation=flags(config["evaluation"]),
    shell:
        python("evaluate_split.py") + " --split {wildcards.split} --shards {params.shards}"
        " --reference-shards {params.reference} --published {input.published:q} {params.evaluation}"
        " " + table_flags(COMPARED_TABLES) + " 2>&1 | tee {log:q}"


rule tabulate_propensities:
    input:
        shards=split_shards,
    output:
        **split_tables("{split}", ["propensities"]),
    log:
        f"{OWN_LOGS}/evaluate/{{split}}.log",
    wildcard_constraints:
        split="|".join(STUDENT_SPLITS) or "none",
    params:
        **packed_params("shards"),
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("tabulate_propensities.py") + " --split {wildcards.split} --shards {params.shards} {params.confidence}"
        " --output {output.propensities:q} 2>&1 | tee {log:q}"


rule evaluate_numbers:
    input:
        shards=split_shards,
        games=lambda wildcards: game_files(wildcards.split),
        published=CONTRIBUTIONS,
    output:
        **split_tables("{split}", NUMBER_TABLES),
    log:
        f"{OWN_LOGS}/evaluate/{{split}}.log",
    benchmark:
        f"{OWN_BENCHMARKS}/evaluate/{{split}}.tsv"
    wildcard_constraints:
        split="|".join(NUMBER_SPLITS) or "none",
    params:
        **packed_params("shards"),
        evaluation=flags(config["evaluation"]),
    shell:
        python("evaluate_numbers.py")
        + " --split {wildcards.split} --shards {params.shards} --game-files {input.games:q}"
        " --published {input.published:q} {params.evaluation} " + table_flags(NUMBER_TABLES) + " 2>&1 | tee {log:q}"


rule measure_sensitivities:
    input:
        propensities=table(SPLITS, "propensities"),
    output:
        **own_tables(*SENSITIVITY_TABLES),
    log:
        f"{OWN_LOGS}/evaluate/sensitivities.log",
    benchmark:
        f"{OWN_BENCHMARKS}/evaluate/sensitivities.tsv"
    params:
        evaluation=flags(config["evaluation"]),
    shell:
        python("measure_sensitivities.py") + " --propensities {input.propensities:q} {params.evaluation}"
        " " + table_flags(SENSITIVITY_TABLES) + " 2>&1 | tee {log:q}"


rule tabulate_games:
    input:
        games=sorted({file for split in CHOICE_SPLITS for file in game_files(split)}),
        tables=game_tables(*CHOICE_SPLITS),
        propensities=table(CHOICE_SPLITS, "propensities"),
    output:
        **own_tables("games"),
    log:
        f"{OWN_LOGS}/evaluate/games.log",
    shell:
        python("tabulate_games.py") + " --game-files {input.games:q} --propensities {input.propensities:q}"
        " --output {output.games:q} 2>&1 | tee {log:q}"


rule tabulate_number_games:
    input:
        games=sorted({file for split in NUMBER_SPLITS for file in game_files(split)}),
        means=table(NUMBER_SPLITS, "number_means"),
    output:
        **own_tables("number_games"),
    log:
        f"{OWN_LOGS}/evaluate/number_games.log",
    shell:
        python("tabulate_number_games.py") + " --game-files {input.games:q} --number-means {input.means:q}"
        " --output {output.number_games:q} 2>&1 | tee {log:q}"


def replies_in_words(wildcards):
    """The replies of every split, of which the summary shows some that can't be read; none where nobody wrote any."""
    if config["teacher"]["engine"] == "recorded" and REPLIES:
        return table(SPLITS, "replies")
    asked = {
        STORE.asking(model, game)
        for split in SPLITS
        for game, _ in cells_of(config["splits"][split])
        for model in ("teacher", "base")
    }
    return table(SPLITS, "replies") if any(STORE.askings[key].procedure == FREE_REPLIES for key in asked) else []


rule summarise_run:
    input:
        alignment=table(SPLITS, "alignment"),
        diagnostics=table(SPLITS, "diagnostics"),
        improvements=table(SPLITS, "improvements"),
        equivalence=table(SPLITS, "equivalence"),
        generalisation=table(SPLITS, "generalisation"),
        sensitivities=rules.measure_sensitivities.output.sensitivities,
        joint=rules.measure_sensitivities.output.joint_choice_model,
        number_means=table(NUMBER_SPLITS, "number_means"),
        number_gaps=table(NUMBER_SPLITS, "number_gaps"),
        replies=replies_in_words,
        published=PUBLISHED,
        contributions=CONTRIBUTIONS,
    output:
        **own_tables("main_result"),
        summary=report(f"{EXPERIMENT}/summary.md", caption=f"{CAPTIONS}summary.rst", category="Summary"),
    log:
        f"{OWN_LOGS}/summarise.log",
    benchmark:
        f"{OWN_BENCHMARKS}/summarise.tsv"
    params:
        teacher=name_of("teacher"),
        student=name_of("student"),
        # The config doesn't say what frozen adapters were trained on.
        computed="--computed" if config["teacher"]["engine"] == "computed" else "",
        uniform=" ".join(sorted(STUDENT.training["uniform_target_contexts"]) if STUDENT.training else []),
    shell:
        python("summarise_run.py") + " --alignment {input.alignment:q} --diagnostics {input.diagnostics:q}"
        " --improvements {input.improvements:q} --equivalence {input.equivalence:q}"
        " --generalisation {input.generalisation:q} --sensitivities {input.sensitivities:q}"
        " --joint-choice-model {input.joint:q} --number-means {input.number_means:q}"
        " --number-gaps {input.number_gaps:q} --replies {input.replies:q}"
        " --published {input.published:q} --contributions {input.contributions:q}"
        " --teacher {params.teacher:q} --student {params.student:q} --uniform-target-contexts {params.uniform}"
        " {params.computed} --main-result {output.main_result:q} --output {output.summary:q} 2>&1 | tee {log:q}"
