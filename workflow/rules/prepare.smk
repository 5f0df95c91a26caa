"""Bring each local model to this machine, once, at the precision that all its jobs use, and check it for the config.

in: the config's source of the model
out: models/{source}/fetched/ and models/{source}/{precision}/, each a weights folder and its manifest
"""

from tom.core.snakemake_internals import jobs_to_run, start_after
from tom.engines.devices import enough_devices, multiplies_16_bits_slowly
from tom.engines.endpoint import read_key


def model_of_source(wildcards):
    return config[STORE.sources[wildcards.source]]


def source_flags(wildcards):
    model = model_of_source(wildcards)
    source = model["source"]
    if source != "folder":
        return f"{source} {flags(model[source])} {flags(config, 'cache')}"
    return f"folder {flags(model, 'folder')}"


def source_files(wildcards):
    """Small files of a local folder, compared by content; weights are checked against the manifest when loaded."""
    model = model_of_source(wildcards)
    patterns = ("*.json", "*.jinja", "*.txt", "*.model") if model["source"] == "folder" else ()
    return sorted(file for pattern in patterns for file in Path(model["folder"]).glob(pattern))


def checks_of_fetched(wildcards, threads):
    """The commands that check what was fetched, for each role that it has, of all students. A folder was checked when the
    run began.

    What is asked of a model changes nothing of what is fetched, and Snakemake compares no parameter that follows threads.
    """
    asked = [
        (role, store.config)
        for store in RUN.stores
        for role in local_models(store.config)
        if store.source_key(role) == wildcards.source
    ]
    folder = f"{RESULTS}/models/{wildcards.source}/fetched/weights"
    words = " ".join(f"{name}={value}" for name, value in CHECKING.items())
    checks = [
        f" && {words} {python('check_model.py')} --role {role} --weights {shlex.quote(folder)}"
        f" --resources {shlex.quote(str(RESOURCES))} <<< {shlex.quote(json.dumps(asked_of(role, each)))}"
        for role, each in asked
        if each[role]["source"] != "folder" or not checks_here()
    ]
    return "".join(dict.fromkeys(checks))


def converted(wildcards):
    """The precision that a conversion is to, which is not always the config's."""
    return {"precision": wildcards.precision.partition("-")[0]}


rule fetch_model:
    input:
        files=source_files,
    output:
        weights=directory(f"{RESULTS}/models/{{source}}/fetched/weights"),
        manifest=f"{RESULTS}/models/{{source}}/fetched/manifest.json",
    log:
        f"{LOGS}/fetch_model/{{source}}.log",
    benchmark:
        f"{BENCHMARKS}/fetch_model/{{source}}.tsv"
    priority: 10  # everything but a recorded teacher's shards waits for the weights
    # There is a network where Snakemake runs, and often none on a cluster's nodes.
    localrule: True
    resources:
        runtime=lambda wildcards: minutes(work_seconds(sized(STORE.sources[wildcards.source]), "fetch")),
        disk_mb=lambda wildcards: disk_mb(sized(STORE.sources[wildcards.source]), "fetch"),
    params:
        source=source_flags,
        checks=checks_of_fetched,
    shell:
        "{{ TQDM_DISABLE=1 "
        + python("fetch_model.py")
        + " {params.source} --output {output.weights:q} --output-manifest {output.manifest:q} {params.checks}; }} 2>&1"
        + " | tee {log:q}"


rule convert_model:
    input:
        weights=ancient(rules.fetch_model.output.weights),
        manifest=rules.fetch_model.output.manifest,
    output:
        weights=directory(f"{RESULTS}/models/{{source}}/{{precision}}/weights"),
        manifest=f"{RESULTS}/models/{{source}}/{{precision}}/manifest.json",
    log:
        f"{LOGS}/convert_model/{{source}}-{{precision}}.log",
    benchmark:
        f"{BENCHMARKS}/convert_model/{{source}}-{{precision}}.tsv"
    priority: 10
    resources:
        **model_resources(lambda wildcards: STORE.sources[wildcards.source], "convert", converted),
        disk_mb=lambda wildcards: disk_mb(sized(STORE.sources[wildcards.source]) | converted(wildcards), "convert"),
    params:
        precision=lambda wildcards: converted(wildcards)["precision"],
        # Only what NF4 layers compute in is a choice.
        compute_dtype=lambda wildcards: wildcards.precision.partition("-")[2] or "float32",
    shell:
        TORCH + python("convert_model.py") + " --weights {input.weights:q} --manifest {input.manifest:q}"
        " --precision {params.precision} --compute-dtype {params.compute_dtype} --gpus {resources.devices}"
        " --output {output.weights:q} --output-manifest {output.manifest:q} 2>&1 | tee {log:q}"


rule merge_adapter:
    input:
        unpack(lambda wildcards: adapted(STORE.weights[wildcards.weights].student, wildcards.seed)),
        **prepared("student"),
    output:
        weights=directory(f"{RESULTS}/models/merged/{{weights}}/seed{{seed}}/weights"),
        manifest=f"{RESULTS}/models/merged/{{weights}}/seed{{seed}}/manifest.json",
    log:
        f"{LOGS}/merge_adapter/{{weights}}-seed{{seed}}.log",
    wildcard_constraints:
        weights=made_here("merged"),
    threads: config["sampling"]["threads"]
    resources:
        **model_resources("student", "merge"),
    shell:
        TORCH
        + python("merge_adapter.py")
        + " --weights {input.weights:q} --manifest {input.manifest:q} --adapter {input.adapter:q}"
        " --adapter-manifest {input.adapter_manifest:q} --threads {threads} --gpus 0 --output {output.weights:q}"
        " --output-manifest {output.manifest:q} 2>&1 | tee {log:q}"


# Before the first job


ASKS_A_MODEL = set(map(called, ("convert_model", "sample_endpoint", "sample_shard", "train_adapter")))


def check_models():
    """Refuse what a model on this machine can't do before any job, above all before a teacher is asked and paid."""
    if not ASKS_A_MODEL & {job.rule.name for job in jobs_to_run(workflow)}:
        return
    for role in LOCAL_MODELS if checks_here() else ():
        if folder := weights_here(role):
            check_at_start(role, folder, config, RESOURCES, remembered_sha256(CODE_HASHES, "check_model.py"))


def check_gpus():
    """Refuse a run whose jobs ask this machine for GPUs that it lacks, before anything is fetched for them."""
    if not workflow.non_local_exec:
        if asked := max((job.resources.get("gpu", 0) for job in jobs_to_run(workflow)), default=0):
            try:
                enough_devices(asked)
            except UserError as error:
                raise UserError(
                    f"{CONFIG_NAMES}: {asking_gpus(asked)}, but {str(error).partition(', but ')[2]}"
                ) from None


def asking_gpus(asked):
    """The keys by which models ask for so many GPUs, and their value. A training may ask for fewer than its model."""
    models = {f"{role}.gpus": config[role]["gpus"] for role in LOCAL_MODELS}
    for name, run in OTHER_STUDENTS.items():
        own = {
            f"students.{name}.{role}.gpus": run.store.config[role]["gpus"] for role in local_models(run.store.config)
        }
        models |= {key: number for key, number in own.items() if number != models.get(key.split(".", 2)[2])}
    keys = [key for key, number in models.items() if number == asked]
    more = [key for key, number in models.items() if number > asked]
    return f"{', '.join(keys)}: {asked}" if keys else f"{', '.join(more)}: a job asks for {asked}"


def check_key():
    """Refuse a run that asks an endpoint without its key, before any job. A plan and a dry run ask none."""
    if called("sample_endpoint") in {job.rule.name for job in jobs_to_run(workflow)}:
        variable = config["teacher"]["endpoint"]["key_variable"]
        where = f"{CONFIG_NAMES}: teacher.endpoint.key_variable"
        if variable and not os.environ.get(variable):
            from tom.planning.endpoint_forecast import without_key

            raise UserError(f"{where}: the environment variable {variable} is not set ({without_key(variable)})")
        read_key(variable, where)


def warn_of_slow_types():
    """Say so where a model is to compute at bfloat16 on a CPU that is not made for it."""
    if workflow.non_local_exec or not ASKS_A_MODEL & {job.rule.name for job in jobs_to_run(workflow)}:
        return
    for role in LOCAL_MODELS:
        slow = config[role]["precision"] == "bfloat16" and not config[role]["gpus"] and multiplies_16_bits_slowly()
        if slow:
            snakemake_logger.warning(
                f"warning: {role}.precision: bfloat16 takes this CPU 5 to 18 times as long as float32 does (docs/benchmarks.md)."
                " float32 takes twice the memory."
            )


def ask_teacher_last():
    """Let no teacher be asked, and paid, before each model that is still to be fetched was fetched and has passed."""
    jobs = jobs_to_run(workflow)
    fetched = [job for job in jobs if job.rule.name in called_by_all("fetch_model")]
    asking = called_by_all("sample_endpoint", "sample_shard")
    asked = [job for job in jobs if job.rule.name in asking and job.wildcards.model == "teacher"]
    start_after(workflow, asked, fetched)
