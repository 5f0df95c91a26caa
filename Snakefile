"""ToM Transfer: teach a small language model how a large one plays social games, and measure what arrived.

    snakemake --cores all               everything, from the teacher's choices to the summary
    snakemake out_of_sample --cores all   only the cells that were not trained on
    snakemake targets --cores 1         every other target, with a line on each

The stages are the files of workflow/rules, in the order of the include statements below.
"""

import atexit

from snakemake.utils import min_version

min_version("9.0")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"


rule all:
    """The main result: tables and figures of all splits, and the summary."""
    input:
        f"{EXPERIMENT}/summary.md",
        tables(SPLITS),
        student_tables(),
        number_tables(),
        own_tables("games", *SENSITIVITY_TABLES).values(),
        figures(),
        [f"{EXPERIMENT}/tables/usage.csv"] if config["teacher"]["engine"] == "openai" else [],
    params:
        next="report",


include: "workflow/rules/prepare.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/studies.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/page.smk"
include: "workflow/rules/export.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/targets.smk"
include: "workflow/rules/cluster.smk"


onstart:
    cancel_orphans()
    warn_of_replaced_results()
    STORE.write_contents(Path(EXPERIMENT) / "contents.yaml")


onsuccess:
    # After the logger's own closing lines.
    atexit.register(close_run)
