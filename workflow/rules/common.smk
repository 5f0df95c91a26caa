"""What the rules share: the checked config, paths of shards, and flags for scripts. No rule stands here."""

import json
import os
import shlex
import sys
import time
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Paths are relative to the working directory, so that a moved project reruns nothing.
ROOT = Path(os.path.relpath(workflow.basedir))
RESOURCES = ROOT / "resources"
CAPTIONS = "../report/"
sys.path.insert(0, str(Path(workflow.basedir) / "workflow" / "scripts"))

from tom.slurm.job_resources import disk_mb, memory_mb, minutes
from tom.core.code import code_sha256
from tom.core.errors import UserError
from tom.games.kinds import CHOICE as CHOICE_GAMES
from tom.games.kinds import NUMBER as NUMBER_GAMES
from tom.games.game import split_order
from tom.engines.parent_run import allocation, announce_run
from tom.prompts.prompts import CHOICE, load_prompt_format
from tom.sampling.recorded_choices import read_counts
from tom.sampling.shard_paths import pack_paths
from tom.config.study import (
    HELD_OUT,
    HELD_OUT_REWORDED,
    IN_SAMPLE,
    answered_by_teacher,
    cells_of,
    drop_splits,
    out_of_sample_splits,
    recorded_context,
    rewordings,
    splits_of_kind,
)
from tom.config.checks import check_study
from tom.engines.vllm_settings import VllmSettings

CONFIG_FILES = dict.fromkeys(map(os.path.relpath, workflow.configfiles))

drop_splits(config)
try:
    check_study(config, ", ".join(CONFIG_FILES), RESOURCES)
except UserError as error:
    raise WorkflowError(str(error))

# Jobs run the Python that runs Snakemake, unless a software environment puts its own in front.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
announce_run()

# Splits of 2x2 games, and of games in which a number is named (numbers.smk).
CHOICE_SPLITS, NUMBER_SPLITS = (
    splits_of_kind(config["splits"], kind, RESOURCES) for kind in (CHOICE_GAMES, NUMBER_GAMES)
)
# Students are compared with their teacher where it answers; elsewhere there are their propensities alone.
SPLITS = {name: split for name, split in CHOICE_SPLITS.items() if answered_by_teacher(split, config["teacher"])}
STUDENT_SPLITS = sorted(set(CHOICE_SPLITS) - set(SPLITS))

RESULTS = config["results"]
OUT_OF_SAMPLE = "out_of_sample"
NUMBER_STAGE = "numbers"
CONTEXT_FILE = RESOURCES / "contexts" / "{context}.yaml"
STARTED = time.time()
USAGE_TABLE = f"{RESULTS}/tables/usage.csv"
TUNED = expand("tuned-seed{seed}", seed=config["training"]["seeds"])
FROZEN = "adapters" in config
ADAPTERS = config["adapters"] if FROZEN else f"{RESULTS}/adapters/all"
ADAPTER = f"{ADAPTERS}/seed{{seed}}"
ADAPTER_MANIFESTS = expand(f"{ADAPTER}/manifest.json", seed=config["training"]["seeds"])

# No job asks a hub but the one that fetches. Two torch processes that wait actively for their threads
# slow each other down twentyfold.
TORCH = (
    "HF_HUB_OFFLINE=1 TQDM_DISABLE=1 TOKENIZERS_PARALLELISM=false" " OMP_NUM_THREADS={threads} OMP_WAIT_POLICY=PASSIVE "
)


wildcard_constraints:
    context="[a-z][a-z0-9_]*",
    game="[a-z][a-z0-9_]*(-[prst]{4})?(-x[0-9]+([.][0-9]+)?)?(-(plus|minus)[0-9]+([.][0-9]+)?)?",
    role="teacher|student",
    seed="[0-9]+",
    split="[a-z][a-z0-9_]+",


def python(*scripts):
    """Run the first script. The hash of the code of all of them, imports included, makes an edit rerun what uses it."""
    hashes = "".join(code_sha256(script)[:16] for script in scripts)
    return f"CODE={hashes} python {ROOT / 'workflow' / 'scripts' / scripts[0]}"


def flags(section, *names):
    """Config values as sorted `--key value` flags: the order of keys in the YAML reruns nothing."""
    words = []
    for name in sorted(names or section):
        values = section[name] if isinstance(section[name], list) else [section[name]]
        words.append(" ".join([f"--{name.replace('_', '-')}", *(shlex.quote(str(value)) for value in values)]))
    return " ".join(words)


@cache
def file_of_game(game):
    return str(RESOURCES / "games" / f"{split_order(game)[0]}.yaml")


def game_file(wildcards):
    return file_of_game(wildcards.game)


def game_files(split):
    return sorted({file_of_game(game) for game in config["splits"][split]["games"]})


def context_files(split):
    return [RESOURCES / "contexts" / f"{context}.yaml" for context in sorted(config["splits"][split]["contexts"])]


def prompt_format_file():
    return RESOURCES / "prompt_formats" / f"{config['prompt_format']}.yaml"


def stage_of(split):
    """in_sample, numbers for a split of games of that kind, or out_of_sample for every other split."""
    if split in NUMBER_SPLITS:
        return NUMBER_STAGE
    return IN_SAMPLE if split == IN_SAMPLE else OUT_OF_SAMPLE


def models_of(split):
    """Every model that answers in a split."""
    teacher = ["teacher"] if answered_by_teacher(config["splits"][split], config["teacher"]) else []
    return [*teacher, "base", *TUNED]


def shards(split, models, stage=None, among=None):
    """Paths of the shards of some models in every cell of a split, or those among some cells.

    stage: their folder; its own if none is named.
    """
    return [
        f"{RESULTS}/{stage or stage_of(split)}/shards/{model}/{game}/{context}.parquet"
        for model in models
        for game, context in cells_of(config["splits"][split])
        if among is None or (game, context) in among
    ]


def lazy_shards(*which, **stage):
    """The same as an input function: paths of thousands of shards are written only for rules that a run has jobs of."""
    return lambda wildcards: shards(*which, **stage)


def packed_params(*inputs):
    """Parameters of the names of these inputs, lists of shards: as few words, however many shards there are."""

    def words(name):
        return lambda wildcards, input: shlex.join(pack_paths(input[name]))

    return {name: words(name) for name in inputs}


def same_run(wildcards):
    """What the command line said of the config."""
    settings = workflow.config_settings
    files = shlex.join(os.path.relpath(file) for file in settings.configfiles)
    return f"--configfiles {files} --config {shlex.quote(json.dumps(dict(settings.config)))}"


def name_of(role):
    """A model's name as a parameter; braces in it are no wildcards."""
    return config[role]["name"].replace("{", "{{").replace("}", "}}")


def prepared(role):
    """A model at its precision: the manifest is what jobs depend on, the weights must merely be there."""
    folder = f"{RESULTS}/models/{role}/{config[role].get('precision')}"
    return {"manifest": f"{folder}/manifest.json", "weights": ancient(f"{folder}/weights")}


def adapter_files(folder):
    """What a training writes, as outputs."""
    return {
        "adapter": directory(f"{folder}/adapter"),
        "manifest": f"{folder}/manifest.json",
        "curve": f"{folder}/curve.csv",
        "loss_report": f"{folder}/loss_report.json",
    }


def tuned_inputs(folder):
    """What a shard of a student with the adapter in this folder is made of."""
    return {
        **adapted(folder),
        "game": game_file,
        "context": CONTEXT_FILE,
        "prompt_format": prompt_format_file(),
    }


def adapted(folder):
    """The student with the adapter in this folder."""
    return {
        **prepared("student"),
        "adapter_manifest": f"{folder}/manifest.json",
        "adapter": ancient(f"{folder}/adapter"),
    }


def model_resources(role, work):
    """What a job asks for that holds the model of a role, itself a name or a function of wildcards."""

    def of(value):
        return (lambda wildcards: value(config[role(wildcards)])) if callable(role) else value(config[role])

    training = config["training"]
    return {
        "gpu": of(lambda model: model["gpus"]),
        "mem_mb": of(lambda model: memory_mb(model, work, training["tokens_per_pack"])),
        "runtime": of(
            lambda model: minutes(model, work, observations=config["observations"], epochs=training["epochs"])
        ),
        # GPUs of one job sit in one node, and jobs that share an allocation take turns with its GPUs.
        "nodes": 1,
        "engine": 1,
    }


TABLES = (
    "propensities",
    "improvements",
    "improvement_summaries",
    "alignment",
    "equivalence",
    "contexts",
    "generalisation",
    "diagnostics",
)


def in_all_formats(folder, names):
    """Tables in a folder: each as Parquet under its own name, and as CSV and LaTeX."""
    files = {name: f"{folder}/{name}.parquet" for name in names}
    return files | {f"{name}_{kind}": f"{folder}/{name}.{kind}" for name in names for kind in ("csv", "tex")}


def table_flags(names):
    """Flags that tell a script where to write tables which are outputs of the same names."""
    return " ".join(f"--{name.replace('_', '-')} {{output.{name}}}" for name in names)


def engine_flags(role):
    """What asks for a local model's engine, if it is not transformers."""
    model = config[role]
    return shlex.join(VllmSettings(**model.get("vllm", {})).arguments()) if model["engine"] == "vllm" else ""


def table_files(split):
    """The tables of a split."""
    return in_all_formats(f"{RESULTS}/tables/{split}", TABLES)


NUMBER_GAMES_TABLES = in_all_formats(f"{RESULTS}/tables", ("number_games",))
GAME_TABLES = in_all_formats(f"{RESULTS}/tables", ("games",))
SENSITIVITY_TABLES = ("sensitivities", "reactions", "joint_choice_model")
SENSITIVITIES = in_all_formats(f"{RESULTS}/tables", SENSITIVITY_TABLES)


def in_sample_first(splits):
    """Names of splits in the order that people read them in."""
    return sorted(splits, key=lambda split: (split != IN_SAMPLE, split))


def table(splits, name):
    """One table of some splits; in_sample first, whatever the order in the config."""
    ordered = in_sample_first(splits)
    return [table_files(split)[name] for split in ordered]


def tables(splits):
    """All tables of some splits."""
    return [file for name in table_files("") for file in table(splits, name)]


def student_tables():
    """What there is of the splits in which students alone answer."""
    return [
        file
        for split in STUDENT_SPLITS
        for file in in_all_formats(f"{RESULTS}/tables/{split}", ("propensities",)).values()
    ]


NUMBER_TABLES = ("number_means", "number_distributions", "number_gaps")


def number_table(name):
    """One table of every split of games in which a number is named."""
    return [f"{RESULTS}/tables/{split}/{name}.parquet" for split in sorted(NUMBER_SPLITS)]


def number_tables():
    """All tables of those splits, and the one of their games."""
    splits = sorted(NUMBER_SPLITS)
    files = [file for split in splits for file in in_all_formats(f"{RESULTS}/tables/{split}", NUMBER_TABLES).values()]
    return [*files, *NUMBER_GAMES_TABLES.values()] if splits else []


def figure(name):
    """A figure as PDF for a paper, PNG for a screen, and SVG for the page."""
    return [f"{RESULTS}/figures/{name}.{kind}" for kind in ("pdf", "png", "svg")]


def figure_files(name, **section):
    """A figure's files as a rule's outputs; the PNG goes into Snakemake's report under its caption."""
    pdf, png, svg = figure(name)
    return {"pdf": pdf, "png": report(png, caption=f"{CAPTIONS}{name.partition('-')[0]}.rst", **section), "svg": svg}


# Nobody need have kept the curve of an adapter that comes by its path.
TRAINING_FIGURES = [] if FROZEN else ["training_curve"]


def figures():
    """Every figure of a run."""
    names = [*(f"propensities-{split}" for split in sorted(CHOICE_SPLITS)), "agreement", "gap_closed"]
    names += [f"numbers-{split}" for split in sorted(NUMBER_SPLITS)]
    return [file for name in names + TRAINING_FIGURES for file in figure(name)]


def print_summary():
    """The result, as the last thing that a run which may have changed it prints."""
    summary = Path(RESULTS) / "summary.md"
    if summary.exists() and summary.stat().st_mtime >= STARTED:
        print(summary.read_text())
