"""Bring each local model to this machine, once, at the precision that all its jobs use.

in: the config's source of the model
out: models/{role}/source/ and models/{role}/{precision}/, each a weights folder and its manifest
"""


def source_flags(wildcards):
    model = config[wildcards.role]
    source = model["source"]
    if source != "folder":
        return f"{source} {flags(model[source])} {flags(config, 'cache')}"
    return f"folder {flags(model, 'folder')}"


def source_files(wildcards):
    """Small files of a local folder, compared by content; weights are checked against the manifest when loaded."""
    model = config[wildcards.role]
    patterns = ("*.json", "*.jinja", "*.txt", "*.model") if model["source"] == "folder" else ()
    return sorted(file for pattern in patterns for file in Path(model["folder"]).glob(pattern))


# Where Snakemake runs there is a network; on a cluster's nodes, where the other jobs run, often none.
localrules:
    fetch_model,


rule fetch_model:
    input:
        files=source_files,
    output:
        weights=directory(f"{RESULTS}/models/{{role}}/fetched/weights"),
        manifest=f"{RESULTS}/models/{{role}}/fetched/manifest.json",
    log:
        f"{RESULTS}/logs/fetch_model/{{role}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/fetch_model/{{role}}.tsv"
    resources:
        runtime=lambda wildcards: minutes(config[wildcards.role], "fetch"),
        disk_mb=lambda wildcards: disk_mb(config[wildcards.role], "fetch"),
    params:
        source=source_flags,
    shell:
        "TQDM_DISABLE=1 "
        + python("fetch_model.py")
        + " {params.source} --output {output.weights} --output-manifest {output.manifest}"
        " 2>&1 | tee {log}"


rule convert_model:
    input:
        weights=ancient(rules.fetch_model.output.weights),
        manifest=rules.fetch_model.output.manifest,
    output:
        weights=directory(f"{RESULTS}/models/{{role}}/{{precision}}/weights"),
        manifest=f"{RESULTS}/models/{{role}}/{{precision}}/manifest.json",
    log:
        f"{RESULTS}/logs/convert_model/{{role}}-{{precision}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/convert_model/{{role}}-{{precision}}.tsv"
    wildcard_constraints:
        precision="nf4|float32|bfloat16|source",
    resources:
        **model_resources(lambda wildcards: wildcards.role, "convert"),
        disk_mb=lambda wildcards: disk_mb(config[wildcards.role], "convert"),
    params:
        compute_dtype=lookup("{role}/compute_dtype", within=config),
    shell:
        TORCH + python("convert_model.py") + " --weights {input.weights} --manifest {input.manifest}"
        " --precision {wildcards.precision} --compute-dtype {params.compute_dtype}"
        " --output {output.weights} --output-manifest {output.manifest} 2>&1 | tee {log}"
