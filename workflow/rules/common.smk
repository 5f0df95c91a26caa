"""What the rules share: the checked config, paths, and flags for scripts. No rule stands here."""

import json
import os
import shlex
import sys
import time
from functools import cache
from pathlib import Path

from snakemake.common.configfile import load_configfile
from snakemake.logging import logger as snakemake_logger

RESOURCES = ROOT / "resources"
CAPTIONS = "../report/"
sys.path.insert(0, os.path.abspath(ROOT / "workflow" / "scripts"))

from tom.config.checks import check_study
from tom.config.config_files import check_files
from tom.config.layers import COMMAND_LINE, Layer, at_fault, complete, start_models_anew
from tom.config.paths import check_results, settle_paths
from tom.config.start_check import ENVIRONMENT as CHECKING, asked_of, check_at_start, checks_here
from tom.config.students import runs_of
from tom.config.studies import BY_NAME, COMPARISONS, STUDIES, expanded
from tom.config.study import (
    HELD_OUT,
    HELD_OUT_REWORDED,
    IN_SAMPLE,
    PAPER_SPLITS,
    answered_by_teacher,
    behaviour_file,
    cells_of,
    game_file,
    game_table,
    games_of,
    in_sample_first,
    out_of_sample_splits,
    recorded_context,
    splits_of_kind,
)
from tom.core.code import remembered_sha256
from tom.core.errors import TRACEBACKS, UserError
from tom.core.library_errors import explain
from tom.core.snakemake_internals import Refusal, let_refusals_through, name_failed_scripts
from tom.core.terminal import print_anywhere
from tom.core.table_columns import tables_made_by
from tom.engines.parent_run import allocation, announce_run
from tom.engines.registry import engine_names, module_of
from tom.games.kinds import CHOICE as CHOICE_GAMES
from tom.games.kinds import NUMBER as NUMBER_GAMES
from tom.games.names import is_member, members
from tom.prompts.prompts import load_prompt_format
from tom.sampling.shard_paths import pack_paths

print_anywhere()
let_refusals_through()
name_failed_scripts()

# The Snakefile's own first, then those of the command line in their order.
CONFIG_FILES = list(
    dict.fromkeys(
        os.path.relpath(file) for file in sorted(workflow.configfiles, key=workflow.overwrite_configfiles.count)
    )
)
# Another workflow may use this one as a module, with a part of its config, and its rules under other names. So does this
# one with each of `students`, and hands over what it knows of it (students.smk).
IS_MODULE = not workflow.modifier.is_main_snakefile()
HANDED_OVER = "student_run"
RUN = config.pop(HANDED_OVER, None) if IS_MODULE else None
CONFIG_NAMES = RUN.title if RUN else ", ".join(CONFIG_FILES) or "config"
LAYERS = []
called = workflow.modifier.modify_rulename
if workflow.modifier.modify_path("results") != "results":
    raise Refusal("module: a prefix does not reach the commands of jobs (allowed: results in its config)")


def refusal(error):
    """What ends a run with one line; for a mistake in a config it names the file at fault."""
    return Refusal(at_fault(str(error), CONFIG_NAMES, LAYERS) if isinstance(error, UserError) else explain(error))


def checked(check):
    """Run a check of the config; what it refuses ends the run with that one line, which names the file at fault."""
    try:
        check(config, CONFIG_NAMES, RESOURCES)
    except (UserError, OSError) as error:
        raise refusal(error)


if not RUN:
    # Snakemake has read the files, and of a key that a file gives twice it knows the second alone.
    checked(lambda *_: check_files(CONFIG_FILES))
    LAYERS += [Layer(file, load_configfile(file)) for file in CONFIG_FILES]
    LAYERS.append(Layer(COMMAND_LINE, dict(workflow.config_settings.config)))
    start_models_anew(config, LAYERS)
    complete(config)
    settle_paths(config, ROOT)
    checked(check_study)
    checked(check_results)

# Jobs write and read UTF-8, whatever the terminal shows.
os.environ["PYTHONUTF8"] = "1"
# Jobs run the Python that runs Snakemake, unless a software environment puts its own first.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
announce_run()


def local_models(config):
    """The roles whose model's weights answer on this machine."""
    return [role for role in ("teacher", "student") if config[role]["engine"] in engine_names()]


LOCAL_MODELS = local_models(config)
ENVIRONMENT = "vllm" if "vllm" in (config["teacher"]["engine"], config["student"]["engine"]) else "run"

# Splits of 2x2 games, and of games in which a number is named.
CHOICE_SPLITS, NUMBER_SPLITS = (
    splits_of_kind(config["splits"], kind, RESOURCES) for kind in (CHOICE_GAMES, NUMBER_GAMES)
)
# Students are compared with their teacher where it answers. Elsewhere there are only their propensities.
SPLITS = {name: split for name, split in CHOICE_SPLITS.items() if answered_by_teacher(split, config["teacher"])}
STUDENT_SPLITS = sorted(set(CHOICE_SPLITS) - set(SPLITS))

# Shards, adapters and weights are shared by all experiments of this folder; tables, figures and the summary are not.
RESULTS = config["results"]
EXPERIMENT = f"{RESULTS}/{config['experiment']}"
LOGS, BENCHMARKS = f"{RESULTS}/logs", f"{RESULTS}/benchmarks"
OWN_LOGS, OWN_BENCHMARKS = f"{LOGS}/{config['experiment']}", f"{BENCHMARKS}/{config['experiment']}"
STARTED = time.time()
os.environ[TRACEBACKS] = f"{LOGS}/tracebacks"
SEEDS = config["training"]["seeds"]
TUNED = expand("tuned-seed{seed}", seed=SEEDS)
PUBLISHED = RESOURCES / "paper" / "observed_choices.csv"
CONTRIBUTIONS = RESOURCES / "paper" / "observed_contributions.csv"

OTHER_STUDENTS = {}
if not RUN:
    checked(lambda *where: OTHER_STUDENTS.update(runs_of(*where, ROOT)))
    RUN = OTHER_STUDENTS.pop(None)
STORE = RUN.store
STUDENT = STORE.student()

# Only the job that fetches asks a hub. Two torch processes that wait actively for their threads slow each other down
# twentyfold.
TORCH = (
    "HF_HUB_OFFLINE=1 TQDM_DISABLE=1 TOKENIZERS_PARALLELISM=false" " OMP_NUM_THREADS={threads} OMP_WAIT_POLICY=PASSIVE "
)


def made_here(kind, pattern="[0-9a-f]{8}"):
    """A wildcard's pattern, without what the run of another student makes. kind: of a key, as in tom/config/students.py."""
    elsewhere = "|".join(sorted(RUN.elsewhere[kind]))
    return f"(?!{elsewhere})(?:{pattern})" if elsewhere else pattern


wildcard_constraints:
    model=made_here("answers", "teacher|base|tuned-seed[0-9]+"),
    seed="[0-9]+",
    source=made_here("sources"),
    precision="nf4-float32|nf4-bfloat16|float32|bfloat16|source",
    student=made_here("students"),
    replies="[0-9a-f]{8}",
    weights="[0-9a-f]{8}",
    asking="[a-z][a-z0-9_]*-[0-9a-f]{8}",
    context="[a-z][a-z0-9_]*",
    game="[a-z][a-z0-9_]*(-[prst]{4}|-[0-9]+(to[0-9]+)?(-column)?)?(-x[0-9]+([.][0-9]+)?)?(-(plus|minus)[0-9]+([.][0-9]+)?)?",
    split="[a-z][a-z0-9_]+",


# Commands


CODE_HASHES = Path(".snakemake") / "code"


def python(*scripts, plugins=()):
    """Run the first script. The hash of what all of them execute, plugins included, makes an edit rerun what uses it."""
    hashes = "".join(remembered_sha256(CODE_HASHES, script, *plugins)[:16] for script in scripts)
    return f"CODE={hashes} python {shlex.quote(str(ROOT / 'workflow' / 'scripts' / scripts[0]))}"


def flags(section, *names):
    """Config values as sorted `--key value` flags: the order of keys in the YAML reruns nothing.

    null and false give no flag, true gives the flag alone.
    """
    words = []
    for name in sorted(names or section):
        value = section[name]
        # Not ==: to Python 1 is True.
        if value is None or value is False:
            continue
        values = [] if value is True else value if isinstance(value, list) else [value]
        words.append(" ".join([f"--{name.replace('_', '-')}", *(shlex.quote(str(value)) for value in values)]))
    return " ".join(words)


def untracked(value):
    """A parameter that changes no result, so that no rerun follows it: Snakemake compares none that follows threads."""
    return lambda wildcards, threads: value


def name_of(role):
    """A model's name as a parameter: by a function, since braces in a string would be taken for wildcards."""
    return lambda wildcards: config[role]["name"]


def same_run(wildcards):
    """What the command line said of the config."""
    settings = workflow.config_settings
    files = shlex.join(os.path.relpath(file) for file in settings.configfiles)
    return f"--configfiles {files} --config {shlex.quote(json.dumps(dict(settings.config)))}"


# Models and shards


def prepared(role, precision=None):
    """A model at a precision: the manifest is what jobs depend on, the weights must merely be there."""
    folder = STORE.model_folder(role, precision)
    return {"manifest": f"{folder}/manifest.json", "weights": ancient(f"{folder}/weights")}


def adapted(student, seed):
    """A student's adapter: its manifest is what jobs depend on."""
    folder = f"{student.folder}/seed{seed}"
    return {"adapter_manifest": f"{folder}/manifest.json", "adapter": ancient(f"{folder}/adapter")}


def weights_inputs(wildcards):
    """What answers a job with the wildcards `model` and `weights`: a model, and the adapter of a tuned student."""
    weights = STORE.weights[wildcards.weights]
    if weights.student is None:
        return prepared(weights.role)
    seed = wildcards.model.removeprefix("tuned-seed")
    if weights.merged:
        folder = f"{STORE.merged_folder(wildcards.weights)}/seed{seed}"
        return {"manifest": f"{folder}/manifest.json", "weights": ancient(f"{folder}/weights")}
    return prepared(weights.role, weights.precision) | adapted(weights.student, seed)


def engine_module(wildcards):
    """The engine that answers a job with the wildcard `weights`, as a module."""
    return module_of(config[STORE.weights[wildcards.weights].role]["engine"])


def engine_words(model):
    """The flags that ask for a model's engine, with its settings if there are any."""
    settings = (
        [f"--engine-settings={json.dumps(model[model['engine']], sort_keys=True)}"] if model["engine"] in model else []
    )
    return [f"--engine={model['engine']}", *settings, *template_words(model)]


def template_words(model):
    """The flag that says what the config fixes of a model's chat template; none if that is nothing."""
    return [f"--chat-template={json.dumps(model['template'], sort_keys=True)}"] if "template" in model else []


def answering(wildcards, input):
    """The flags that name what answers such a job."""
    weights = STORE.weights[wildcards.weights]
    words = [f"--weights={input.weights}", f"--manifest={input.manifest}", *engine_words(config[weights.role])]
    if "adapter" in input.keys():
        words += [f"--adapter={input.adapter}", f"--adapter-manifest={input.adapter_manifest}"]
    return shlex.join([*words, *(["--other-base"] if weights.other_base else [])])


def models_of(split):
    """Every model that answers in a split."""
    teacher = ["teacher"] if answered_by_teacher(config["splits"][split], config["teacher"]) else []
    return [*teacher, "base", *TUNED]


def shards(split, models=None, changes={}, **settings):
    """Paths of the shards of some models, all unless given, in every cell of a split. The rest: as Store.shards."""
    return STORE.shards(cells_of(config["splits"][split]), models or models_of(split), changes, **settings)


def lazy_shards(*which, **settings):
    """The same as an input function: paths of thousands of shards are written only for rules that a run has jobs of."""
    return lambda wildcards: shards(*which, **settings)


def packed_params(*inputs):
    """Parameters of the names of these inputs, lists of shards: as few words, however many shards there are."""

    def words(name):
        return lambda wildcards, input: shlex.join(pack_paths(input[name]))

    return {name: words(name) for name in inputs}


def game_files(split):
    return sorted({str(game_file(game, RESOURCES)) for game in games_of(config["splits"][split])})


def game_tables(*splits):
    """The tables that game sets of some splits are read from: inputs that scripts find by the sets' files."""
    tables = {game_table(game, RESOURCES) for split in splits for game in games_of(config["splits"][split])}
    return sorted(map(str, tables - {None}))


def context_files(contexts):
    return [RESOURCES / "contexts" / f"{context}.yaml" for context in sorted(contexts)]


def prompt_format_file():
    return RESOURCES / "prompt_formats" / f"{config['prompt_format']}.yaml"


# Tables and figures


def in_all_formats(folder, names):
    """Tables in a folder: each as Parquet under its own name, and as CSV and LaTeX."""
    files = {name: f"{folder}/{name}.parquet" for name in names}
    return files | {f"{name}_{kind}": f"{folder}/{name}.{kind}" for name in names for kind in ("csv", "tex")}


def split_tables(split, names):
    """Tables of a split, in all formats."""
    return in_all_formats(f"{EXPERIMENT}/tables/{split}", names)


def own_tables(*names):
    """Tables of the whole experiment, in all formats."""
    return in_all_formats(f"{EXPERIMENT}/tables", names)


def table_flags(names):
    """Flags that tell a script where to write tables which are outputs of the same names."""
    return " ".join(f"--{name.replace('_', '-')} {{output.{name}:q}}" for name in names)


def table(splits, name):
    """One table of some splits; in_sample first, whatever the order in the config."""
    return [f"{EXPERIMENT}/tables/{split}/{name}.parquet" for split in in_sample_first(splits)]


COMPARED_TABLES = tables_made_by("evaluate_split")
NUMBER_TABLES = tables_made_by("evaluate_numbers")
SENSITIVITY_TABLES = tables_made_by("measure_sensitivities")


def tables(splits):
    """All tables that compare students with their teacher in some splits."""
    return [file for split in in_sample_first(splits) for file in split_tables(split, COMPARED_TABLES).values()]


def student_tables():
    """The tables of the splits in which only students answer."""
    return [file for split in STUDENT_SPLITS for file in split_tables(split, ["propensities"]).values()]


def number_tables():
    """The tables of splits of games in which a number is named, and the one of these games."""
    files = [file for split in sorted(NUMBER_SPLITS) for file in split_tables(split, NUMBER_TABLES).values()]
    return [*files, *own_tables("number_games").values()] if files else []


# A parameter of every rule that draws: a file that is left over must not keep a figure from being drawn again.
CAPTIONED = config.get("figures", {"captions": True})["captions"]
FIGURE_KINDS = ("pdf", "png", "svg") if CAPTIONED else ("pdf", "png", "svg", "txt")


def figure(name):
    """A figure as PDF for a paper, PNG for a screen, SVG for the page and, unless it has it, its caption as text."""
    return [f"{EXPERIMENT}/figures/{name}.{kind}" for kind in FIGURE_KINDS]


def figure_files(name, **section):
    """A figure's files as a rule's outputs; the PNG goes into Snakemake's report under its caption."""
    files = dict(zip(FIGURE_KINDS, figure(name)))
    return files | {"png": report(files["png"], caption=f"{CAPTIONS}{name.partition('-')[0]}.rst", **section)}


# An adapter that comes by its path need not come with its training curve.
TRAINING_FIGURES = [] if STUDENT.training is None else ["training_curve"]
TENSORBOARD = expand(
    f"{EXPERIMENT}/tensorboard/seed{{seed}}", seed=SEEDS if config.get("tensorboard") and TRAINING_FIGURES else []
)
# Students that are asked in one option order show no bias towards it.
ORDER_FIGURES = ["order_bias"] if len(config["option_orders"]) > 1 else []
SPLIT_FIGURES = {
    **{split: f"propensities-{split}" for split in sorted(CHOICE_SPLITS)},
    **{split: f"numbers-{split}" for split in sorted(NUMBER_SPLITS)},
}


def figures():
    """Every figure of the main result."""
    names = [*SPLIT_FIGURES.values(), "agreement", "gap_closed", *ORDER_FIGURES, *TRAINING_FIGURES]
    return [file for name in names for file in figure(name)]
