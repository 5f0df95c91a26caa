"""ToM Transfer: teach a small language model how a large one plays social games, and measure what arrived.

snakemake --cores all               everything, from the teacher's choices to the summary
snakemake out_of_sample --cores all   only the cells that were not trained on
snakemake targets --cores 1         every other target, with a line on each
"""


include: "workflow/Snakefile"


# The default target of an included file does not count.
workflow.default_target = "all"
