"""Validation: leave each in-sample context out of the teaching once, and measure on it.

For choosing a recipe: no out-of-sample cell is read. Not part of `all`: it trains one
adapter for each context and seed.
in: as train.smk and sample.smk
out: validation/adapters/without-{context}/seed{seed}/, validation/shards/, tables/held_out/
"""

HELD_OUT = f"{RESULTS}/validation/adapters/without-{{context}}/seed{{seed}}"


use rule train_adapter as train_without_context with:
    output:
        **adapter_files(HELD_OUT),
    log:
        f"{RESULTS}/logs/train/without-{{context}}-seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/without-{{context}}-seed{{seed}}.tsv"
    wildcard_constraints:
        # Leaving out a context that is not taught would teach every one of them.
        context="|".join(config["splits"][IN_SAMPLE]["contexts"]),
    params:
        recipe=rules.train_adapter.params.recipe + " --held-out {context}",


use rule sample_tuned as sample_held_out with:
    input:
        **tuned_inputs(HELD_OUT),
    output:
        f"{RESULTS}/validation/shards/tuned-seed{{seed}}/{{game}}/{{context}}.parquet",
    log:
        f"{RESULTS}/logs/sample/held-out-seed{{seed}}/{{game}}-{{context}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample/held-out-seed{{seed}}/{{game}}-{{context}}.tsv"


def held_out_shards(wildcards):
    untuned = shards(IN_SAMPLE, ["teacher", "base"])
    return untuned + shards(IN_SAMPLE, TUNED, stage="validation")


use rule evaluate_in_sample as evaluate_held_out with:
    input:
        shards=held_out_shards,
        reference=later(IN_SAMPLE, ["teacher", "base"]),
        published=RESOURCES / "paper" / "observed_choices.csv",
    wildcard_constraints:
        split="held_out",


rule validate:
    input:
        tables(["held_out"]),
        figure("propensities-held_out"),
