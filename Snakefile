"""ToM Transfer: teach a small language model how a large one plays social games, and measure what arrived.

    snakemake --cores all                    everything, from the teacher's choices to the summary
    snakemake in_sample --cores all          the cells that are taught
    snakemake out_of_sample --cores all      the cells that are not
    snakemake response_curves --cores all    choices against the scale and the shift of a game's payoffs
    snakemake validate --cores all           leave one context out, to choose a recipe
    snakemake transfer_matrix --cores all    leave out each context, game and scale of payoffs: what transfers where
    snakemake paper --cores all              the figures of the paper, from its published counts
    snakemake learning_curve --cores all     gap closed against observations and seconds
    snakemake controls --cores all           students of a shuffled and of a constant teacher
    snakemake plan --cores 1                 what a run would do, why, and what it is expected to take
    snakemake plan_review --cores 1          the plan beside what then happened
    snakemake report --cores all             everything as one HTML file
    snakemake compare_training_targets --cores all   choices, whole replies, or other cells' motivations taught
    snakemake compare_prompt_formats --cores all   a live teacher asked in every way
    snakemake collateral --cores all         what tuning did to texts, instructions and the understanding of payoffs
    snakemake labels --cores all             the taught cells with other names of the options
    snakemake counterbalancing --cores all   students of one listing order, and of exchanged letters too
    snakemake precision_drift --cores all    tuned students at other precisions than they were trained at

The stages are the files of workflow/rules, in the order of the include statements below.
"""

import atexit

from snakemake.utils import min_version

min_version("9.0")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"


rule all:
    input:
        f"{RESULTS}/summary.md",
        tables(SPLITS),
        student_tables(),
        number_tables(),
        SENSITIVITIES.values(),
        GAME_TABLES.values(),
        figures(),
        [USAGE_TABLE] if config["teacher"]["engine"] == "openai" else [],


include: "workflow/rules/collect.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/out_of_sample.smk"
include: "workflow/rules/numbers.smk"
include: "workflow/rules/response_curves.smk"
include: "workflow/rules/leave_one_out.smk"
include: "workflow/rules/prompt_formats.smk"
include: "workflow/rules/target.smk"
include: "workflow/rules/poorer_teachers.smk"
include: "workflow/rules/precision.smk"
include: "workflow/rules/collateral.smk"
include: "workflow/rules/labels.smk"
include: "workflow/rules/counterbalancing.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/page.smk"
include: "workflow/rules/cluster.smk"
include: "workflow/rules/plan.smk"


onstart:
    cancel_orphans()


onsuccess:
    # Behind the logger's own closing lines.
    atexit.register(print_summary)
