"""The paper: every figure of arXiv 2408.05241 that its published counts give, judged by the code that judges a run.

Not part of `all`: it needs no model and takes seconds.
in: resources/paper/
out: paper/*.{parquet,csv,tex}, paper/paper.md
"""

PAPER_TABLES = (
    "figures",
    "improvements",
    "improvement_summaries",
    "improvements_in_counts",
    "alignment",
    "equivalence",
    "contexts",
    "generalisation",
    "sensitivities",
    "reactions",
    "joint_choice_model",
    "contributions",
)


rule recompute_paper:
    input:
        published=RESOURCES / "paper" / "observed_choices.csv",
        contributions=RESOURCES / "paper" / "observed_contributions.csv",
        stated=RESOURCES / "paper" / "stated_figures.csv",
    output:
        **in_all_formats(f"{RESULTS}/paper", PAPER_TABLES),
        page=f"{RESULTS}/paper/paper.md",
    log:
        f"{RESULTS}/logs/paper.log",
    params:
        evaluation=flags(config["evaluation"]),
        folder=f"{RESULTS}/paper",
    shell:
        python("recompute_paper.py") + " --published {input.published} --contributions {input.contributions}"
        " --stated {input.stated} {params.evaluation} --output {params.folder} > {log} 2>&1"


rule paper:
    input:
        rules.recompute_paper.output,
