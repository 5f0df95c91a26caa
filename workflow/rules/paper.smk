"""The paper: every figure of arXiv 2408.05241 that its published counts give, judged by the code that judges a run.

Not part of `all`: it needs no model and takes seconds.
in: resources/paper/
out: paper/*.{parquet,csv,tex}, paper/paper.md
"""


rule recompute_paper:
    input:
        published=PUBLISHED,
        contributions=CONTRIBUTIONS,
        stated=RESOURCES / "paper" / "stated_figures.csv",
    output:
        **in_all_formats(f"{EXPERIMENT}/paper", tables_made_by("recompute_paper")),
        page=f"{EXPERIMENT}/paper/paper.md",
    log:
        f"{OWN_LOGS}/paper.log",
    params:
        evaluation=flags(config["evaluation"]),
        folder=f"{EXPERIMENT}/paper",
    shell:
        python("recompute_paper.py") + " --published {input.published:q} --contributions {input.contributions:q}"
        " --stated {input.stated:q} {params.evaluation} --output {params.folder:q} > {log:q} 2>&1"


rule plot_paper:
    input:
        published=PUBLISHED,
    output:
        **figure_files("paper-{split}", category="Beside the paper", labels={"split": "{split}", "of": "the paper"}),
    log:
        f"{OWN_LOGS}/figures/paper-{{split}}.log",
    wildcard_constraints:
        split="|".join(PAPER_SPLITS),
    params:
        captions=CAPTIONED,
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("plot_paper.py") + " --published {input.published:q} --split {wildcards.split} {params.confidence}"
        " --output {output:q} > {log:q} 2>&1"
