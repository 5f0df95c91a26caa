"""Targets: each stage by name. `all` stands in the Snakefile, since no included rule can be the default."""


rule prepare:
    input:
        **prepared("student"),


rule train:
    input:
        ADAPTER_MANIFESTS,


rule sample_in_sample:
    input:
        lazy_shards(IN_SAMPLE, ["teacher", "base", *TUNED]),


rule in_sample:
    input:
        tables([IN_SAMPLE]),
        figure(f"propensities-{IN_SAMPLE}"),
