"""Figures, each as PDF for a paper, PNG for a screen and SVG for the page. And training curves for TensorBoard.

in: tables and training curves
out: figures/*.{pdf,png,svg}, with .txt where captions stand apart; tensorboard/seed{seed}/ where the config asks for it
"""


rule plot_propensities:
    input:
        propensities=table(["{split}"], "propensities"),
    output:
        **figure_files("propensities-{split}", category="Propensities", labels={"split": "{split}"}),
    log:
        f"{OWN_LOGS}/figures/propensities-{{split}}.log",
    benchmark:
        f"{OWN_BENCHMARKS}/figures/propensities-{{split}}.tsv"
    params:
        captions=CAPTIONED,
        view="",
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("plot_propensities.py")
        + " --propensities {input.propensities:q} --split {wildcards.split} {params.view}"
        " {params.confidence} --output {output:q} > {log:q} 2>&1"


rule plot_numbers:
    input:
        distributions=table(["{split}"], "number_distributions"),
        games=lambda wildcards: game_files(wildcards.split),
        published=CONTRIBUTIONS,
    output:
        **figure_files("numbers-{split}", category="Numbers", labels={"split": "{split}"}),
    log:
        f"{OWN_LOGS}/figures/numbers-{{split}}.log",
    benchmark:
        f"{OWN_BENCHMARKS}/figures/numbers-{{split}}.tsv"
    params:
        captions=CAPTIONED,
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("plot_numbers.py")
        + " --distributions {input.distributions:q} --games {input.games:q} --published {input.published:q}"
        " {params.confidence} --output {output:q} > {log:q} 2>&1"


rule plot_agreement:
    input:
        propensities=table(SPLITS, "propensities"),
    output:
        **figure_files("agreement", category="Agreement"),
    log:
        f"{OWN_LOGS}/figures/agreement.log",
    benchmark:
        f"{OWN_BENCHMARKS}/figures/agreement.tsv"
    params:
        captions=CAPTIONED,
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("plot_agreement.py") + " --propensities {input.propensities:q} {params.confidence}"
        " --output {output:q} > {log:q} 2>&1"


rule plot_order_bias:
    input:
        propensities=table(SPLITS, "propensities"),
    output:
        **figure_files("order_bias", category="Option order"),
    log:
        f"{OWN_LOGS}/figures/order_bias.log",
    benchmark:
        f"{OWN_BENCHMARKS}/figures/order_bias.tsv"
    params:
        captions=CAPTIONED,
    shell:
        python("plot_order_bias.py") + " --propensities {input.propensities:q} --output {output:q} > {log:q} 2>&1"


rule plot_gap_closed:
    input:
        alignment=table(SPLITS, "alignment"),
        propensities=table(SPLITS, "propensities"),
        published=PUBLISHED,
    output:
        **figure_files("gap_closed", category="Gap closed"),
    log:
        f"{OWN_LOGS}/figures/gap_closed.log",
    benchmark:
        f"{OWN_BENCHMARKS}/figures/gap_closed.tsv"
    params:
        captions=CAPTIONED,
    shell:
        python("plot_gap_closed.py") + " --alignment {input.alignment:q} --propensities {input.propensities:q}"
        " --published {input.published:q} --output {output:q} > {log:q} 2>&1"


rule plot_training_curve:
    input:
        curves=expand(f"{STUDENT.folder}/seed{{seed}}/curve.csv", seed=SEEDS),
        loss_report=f"{STUDENT.folder}/seed{SEEDS[0]}/loss_report.json",
    output:
        **figure_files("training_curve", category="Training"),
    log:
        f"{OWN_LOGS}/figures/training_curve.log",
    benchmark:
        f"{OWN_BENCHMARKS}/figures/training_curve.tsv"
    params:
        captions=CAPTIONED,
    shell:
        python("plot_training_curve.py")
        + " --curves {input.curves:q} --loss-report {input.loss_report:q} --output {output:q} > {log:q} 2>&1"


rule log_curve:
    input:
        curve=f"{STUDENT.folder}/seed{{seed}}/curve.csv",
    output:
        directory(f"{EXPERIMENT}/tensorboard/seed{{seed}}"),
    log:
        f"{OWN_LOGS}/figures/tensorboard-seed{{seed}}.log",
    localrule: True
    shell:
        python("log_curve.py") + " --curve {input.curve:q} --output {output:q} > {log:q} 2>&1"
