"""Response curves: the choice against the scale and the shift of a game's payoffs. Not part of `all`.

in: the shards of every game that the config's splits have at several payoffs
out: tables/response_curves.{parquet,csv,tex}, figures/response_curves.*
"""

from snakemake.logging import logger as snakemake_logger

from tom.config.study import curve_cells, games_without_curve
from tom.config.study import all_cells


def curve_shards(wildcards):
    asked = all_cells(CHOICE_SPLITS)
    cells = set(curve_cells(asked))
    if lost := games_without_curve(asked):
        snakemake_logger.warning(f"No response curve of {', '.join(lost)}: no context has all of its payoffs.")
    files = dict.fromkeys(file for split in CHOICE_SPLITS for file in shards(split, models_of(split), among=cells))
    if not files:
        raise WorkflowError(
            f"{', '.join(CONFIG_FILES)}: splits: no game at several scales or shifts, all of them in one and the same context"
            " (see config/payoff_scales.yaml)"
        )
    return list(files)


rule tabulate_response_curves:
    input:
        shards=curve_shards,
    output:
        **in_all_formats(f"{RESULTS}/tables", ("response_curves",)),
    log:
        f"{RESULTS}/logs/evaluate/response_curves.log",
    params:
        **packed_params("shards"),
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("tabulate_response_curves.py") + " --shards {params.shards} {params.confidence}"
        " --output {output.response_curves} 2>&1 | tee {log}"


rule plot_response_curves:
    input:
        table=rules.tabulate_response_curves.output.response_curves,
    output:
        figure("response_curves"),
    log:
        f"{RESULTS}/logs/figures/response_curves.log",
    shell:
        python("plot_response_curves.py") + " --table {input.table} --output {output} > {log} 2>&1"


rule response_curves:
    input:
        rules.plot_response_curves.output,
        rules.tabulate_response_curves.output,
