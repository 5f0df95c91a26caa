"""Leave one out: a student for each in-sample context, game and scale of payoffs that it was not taught.

`validate` measures each context by the student that never met it: for choosing a recipe, since no out-of-sample cell is
read. `validate_reworded` asks the same students in other wordings of that context, so that what they know of situations
is told from what they know of this one's words. `transfer_matrix` measures every such student on all in-sample cells. Not
part of `all`: one training for each.
in: as train.smk and sample.smk
out: leave_one_out/{fold}/{adapters,shards}/, tables/{held_out,held_out_reworded}/, tables/transfer_matrix.*,
figures/transfer_matrix.*
"""

import re

from tom.training.folds import CONTEXT, Fold, folds

FOLDS = [str(fold) for fold in folds(sorted(cells_of(config["splits"][IN_SAMPLE])))]
LEFT_OUT = f"{RESULTS}/leave_one_out/{{fold}}"


wildcard_constraints:
    # Leaving out what is not taught would teach everything.
    fold="|".join(map(re.escape, FOLDS)) or "none",


use rule train_adapter as train_without with:
    output:
        **adapter_files(f"{LEFT_OUT}/adapters/seed{{seed}}"),
    log:
        f"{RESULTS}/logs/train/without-{{fold}}-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/without-{{fold}}-seed{{seed}}.tsv"
    params:
        recipe=rules.train_adapter.params.recipe + " --held-out {fold}",


use rule sample_tuned as sample_left_out with:
    input:
        **tuned_inputs(f"{LEFT_OUT}/adapters/seed{{seed}}"),
    output:
        f"{LEFT_OUT}/shards/tuned-seed{{seed}}/{{game}}/{{context}}.parquet",
    log:
        f"{RESULTS}/logs/sample/without-{{fold}}-seed{{seed}}/{{game}}-{{context}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample/without-{{fold}}-seed{{seed}}/{{game}}-{{context}}.tsv"


def without(context):
    """The folder of the students that never met an in-sample context."""
    fold = str(Fold(CONTEXT, context))
    if fold not in FOLDS:
        raise WorkflowError(
            f"{', '.join(CONFIG_FILES)}: splits.{IN_SAMPLE}.contexts: leaving one out leaves none to be taught"
            " (allowed: two or more)"
        )
    return f"leave_one_out/{fold}"


def held_out_shards(wildcards):
    """Each cell by the students that never met its context, and by teacher and base."""
    untuned = shards(IN_SAMPLE, ["teacher", "base"])
    return untuned + [
        f"{RESULTS}/{without(context)}/shards/{model}/{game}/{context}.parquet"
        for model in TUNED
        for game, context in cells_of(config["splits"][IN_SAMPLE])
    ]


use rule evaluate_in_sample as evaluate_held_out with:
    input:
        shards=held_out_shards,
        reference=lazy_shards(IN_SAMPLE, ["teacher", "base"]),
        published=RESOURCES / "paper" / "observed_choices.csv",
    wildcard_constraints:
        split=HELD_OUT,


rule validate:
    input:
        tables([HELD_OUT]),
        figure(f"propensities-{HELD_OUT}"),


@cache
def reworded():
    """(context, game, wording): the in-sample context that each wording tells in other words, and no student is taught."""
    taught = config["splits"][IN_SAMPLE]
    found = [
        (original, game, wording)
        for original, wordings in rewordings(taught["contexts"], RESOURCES).items()
        for wording in wordings
        for game in taught["games"]
    ]
    if not found:
        raise WorkflowError(
            f"{RESOURCES / 'contexts'}: no file tells a context of splits.{IN_SAMPLE} in other words"
            " (paraphrase_of: NAME), which validate_reworded asks for"
        )
    return found


def reworded_shards(wildcards):
    """Each wording by the students that never met its situation, and by teacher and base."""
    asked = [(OUT_OF_SAMPLE, model, game, wording) for model in ("teacher", "base") for _, game, wording in reworded()]
    asked += [(without(context), model, game, wording) for model in TUNED for context, game, wording in reworded()]
    return [f"{RESULTS}/{stage}/shards/{model}/{game}/{wording}.parquet" for stage, model, game, wording in asked]


use rule evaluate_held_out as evaluate_held_out_reworded with:
    input:
        shards=reworded_shards,
        reference=lazy_shards(IN_SAMPLE, ["teacher", "base"]),
        published=RESOURCES / "paper" / "observed_choices.csv",
    wildcard_constraints:
        split=HELD_OUT_REWORDED,


rule validate_reworded:
    input:
        rules.validate.input,
        tables([HELD_OUT_REWORDED]),
        figure(f"propensities-{HELD_OUT_REWORDED}"),


rule tabulate_transfer_matrix:
    input:
        **{fold: lazy_shards(IN_SAMPLE, TUNED, stage=f"leave_one_out/{fold}") for fold in FOLDS},
        nothing=lazy_shards(IN_SAMPLE, TUNED),
        untuned=lazy_shards(IN_SAMPLE, ["teacher", "base"]),
    output:
        **in_all_formats(f"{RESULTS}/tables", ("transfer_matrix",)),
    log:
        f"{RESULTS}/logs/evaluate/transfer_matrix.log",
    params:
        **packed_params("untuned"),
        evaluation=flags(config["evaluation"]),
        students=lambda wildcards, input: " ".join(
            shlex.join(["--students", name, *pack_paths(input[name])]) for name in ["nothing", *FOLDS]
        ),
    shell:
        python("tabulate_transfer_matrix.py") + " --untuned {params.untuned} {params.students} {params.evaluation}"
        " --output {output.transfer_matrix} 2>&1 | tee {log}"


rule plot_transfer_matrix:
    input:
        table=rules.tabulate_transfer_matrix.output.transfer_matrix,
    output:
        figure("transfer_matrix"),
    log:
        f"{RESULTS}/logs/figures/transfer_matrix.log",
    shell:
        python("plot_transfer_matrix.py") + " --table {input.table} --output {output} > {log} 2>&1"


rule transfer_matrix:
    input:
        figure("transfer_matrix"),
        rules.tabulate_transfer_matrix.output,
