"""The out-of-sample stage: the same sampling and evaluation in contexts and games that were not taught.

in: the adapters, the base student, the teacher's choices in those cells, if it answers there
out: out_of_sample/shards/{model}/{game}/{context}.parquet, tables/{split}/
"""

if config["teacher"]["engine"] == "recorded":

    use rule replay_teacher as replay_teacher_out_of_sample with:
        output:
            f"{RESULTS}/out_of_sample/shards/teacher/{{game}}/{{context}}.parquet",

elif config["teacher"]["engine"] == "openai":

    use rule sample_endpoint as sample_endpoint_out_of_sample with:
        output:
            shard=f"{RESULTS}/out_of_sample/shards/teacher/{{game}}/{{context}}.parquet",
            usage=f"{RESULTS}/out_of_sample/usage/{{game}}/{{context}}.json",


use rule sample_untuned as sample_untuned_out_of_sample with:
    output:
        f"{RESULTS}/out_of_sample/shards/{{model}}/{{game}}/{{context}}.parquet",


use rule sample_tuned as sample_tuned_out_of_sample with:
    output:
        f"{RESULTS}/out_of_sample/shards/tuned-seed{{seed}}/{{game}}/{{context}}.parquet",


def split_shards(wildcards):
    return shards(wildcards.split, models_of(wildcards.split))


use rule evaluate_in_sample as evaluate_out_of_sample with:
    input:
        shards=split_shards,
        reference=lazy_shards(IN_SAMPLE, ["teacher", "base"]),
        published=RESOURCES / "paper" / "observed_choices.csv",
    wildcard_constraints:
        split="|".join(out_of_sample_splits(SPLITS)) or "none",


rule tabulate_propensities:
    input:
        shards=split_shards,
    output:
        **in_all_formats(f"{RESULTS}/tables/{{split}}", ("propensities",)),
    log:
        f"{RESULTS}/logs/evaluate/{{split}}.log",
    wildcard_constraints:
        split="|".join(STUDENT_SPLITS) or "none",
    params:
        **packed_params("shards"),
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("tabulate_propensities.py") + " --split {wildcards.split} --shards {params.shards} {params.confidence}"
        " --output {output.propensities} 2>&1 | tee {log}"


rule out_of_sample:
    input:
        tables(out_of_sample_splits(SPLITS)),
        student_tables(),
        [figure(f"propensities-{split}") for split in out_of_sample_splits(CHOICE_SPLITS)],
        number_tables(),
        [figure(f"numbers-{split}") for split in sorted(NUMBER_SPLITS)],
