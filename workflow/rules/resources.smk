"""What a job asks for that holds a model: memory, GPUs, time, and its turn on a GPU. No rule stands here.

How much that is, by a model's size: tom/slurm/job_resources.py.
"""

from math import ceil
from zlib import crc32

from tom.config.study import training_size
from tom.models.checkpoint_files import count_weights
from tom.sampling.procedures import FREE_REPLIES
from tom.slurm.job_resources import (
    cpus,
    disk_mb,
    gpu_memory_mb,
    gpus,
    gradients_mb,
    load_seconds,
    memory_mb,
    minutes,
    work_seconds,
)


def weights_here(role):
    """The folder of a model's weights as they came; None if they are still to be fetched."""
    fetched = STORE.model_folder(role, "fetched") / "weights"
    folder = Path(config[role]["folder"]) if config[role]["source"] == "folder" else fetched
    return folder if folder.is_dir() else None


@cache
def counted_weights(folder):
    try:
        return count_weights(folder)
    except UserError:  # what is wrong with them is said where they are read
        return {}


def sized(role):
    """A model's section of the config, with its size as it is counted where the weights are here."""
    folder = weights_here(role)
    counted = counted_weights(folder) if folder else {}
    return config[role] | counted | {"billions": max(config[role]["billions"], counted.get("billions", 0))}


def model_resources(role, work, changes=lambda wildcards: {}):
    """What a job asks for that holds the model of a role, itself a name or a function of wildcards.

    changes: what this job's model differs in from the role's section of the config, a function of wildcards.
    """

    def model(wildcards):
        return sized(role(wildcards) if callable(role) else role) | changes(wildcards)

    def seconds(wildcards):
        if work != "train":
            games = len(members(wildcards.game)) if "game" in wildcards.keys() else 1
            replies = {"replies": config["observations"], "reply_tokens": longest_reply(wildcards)}
            return games * work_seconds(model(wildcards), work, **replies)
        training = training_of(wildcards)
        examples = training_size(config | {"training": training}).drawn
        return work_seconds(model(wildcards), work, epochs=training["epochs"], examples=examples)

    def memory(wildcards):
        if work != "train":
            return memory_mb(model(wildcards), work)
        training = training_of(wildcards)
        return memory_mb(model(wildcards), work, training["tokens_per_pack"], gauss_newton_mb(training))

    def gpu_memory(wildcards):
        names = ("tokens_per_pack", "target_modules", "gradient_checkpointing")
        settings = {name: training_of(wildcards)[name] for name in names}
        return gpu_memory_mb(model(wildcards), work, reply_tokens=longest_reply(wildcards), **settings)

    def used_gpus(wildcards):
        return gpus(model(wildcards), work)

    return {
        "gpu": used_gpus,
        # What the job is told to use. Snakemake lowers `gpu` to the limit of the run. No parameter: a run goes on
        # where there are more GPUs, or none.
        "devices": used_gpus,
        "gpu_memory_mb": gpu_memory,
        "cpus_per_task": lambda wildcards, threads: cpus(model(wildcards), work, threads),
        "mem_mb": memory,
        # Loading included. Shards that share an allocation load their model once (count_a_load_once).
        "runtime": lambda wildcards: minutes(load_seconds(model(wildcards)) + seconds(wildcards)),
        "work_seconds": lambda wildcards: ceil(seconds(wildcards)),
        # By which a plan scales what other models took.
        "million_weights": lambda wildcards: ceil(1000 * model(wildcards)["billions"]),
        # GPUs of one job sit in one node, and jobs that share an allocation take turns with its GPUs.
        "nodes": 1,
        "engine": 1,
    }


def gauss_newton_mb(training):
    """The memory of a training's Gauss-Newton steps, if it has any, in MB."""
    if not training["gauss_newton_steps"]:
        return 0
    return gradients_mb(sized("student"), training["rank"], training_size(config | {"training": training}).prompts)


def training_of(wildcards):
    """The training section of a job's student: the config's own, or a study's."""
    student = STORE.students.get(wildcards.get("student"))
    return student.training if student and student.training else config["training"]


def longest_reply(wildcards):
    """The most tokens that are drawn for a reply; 1 where a job takes its choices from exact probabilities."""
    asking = STORE.askings.get(wildcards.get("asking"))
    return max_tokens(asking.prompt_format) if asking and asking.procedure == FREE_REPLIES else 1


@cache
def max_tokens(prompt_format):
    return load_prompt_format(RESOURCES / "prompt_formats" / f"{prompt_format}.yaml").max_tokens


def role_of_weights(wildcards):
    return STORE.weights[wildcards.weights].role


# Jobs of one model follow one another, so that it is loaded once: the teacher's, then the trainings, which wait for
# nothing else, then those of each student. The teacher begins with what is trained on, so that a training is ready before
# a GPU is free. Snakemake makes the sum of the priorities as large as it can, so one job of a kind counts more than all
# that could run at a time of the next.
TEACHER_TURN, TRAINING_TURN = 10_000, 100
TAUGHT_CELLS = set(cells_of(config["splits"][IN_SAMPLE]))


def turn_of_weights(wildcards):
    """The priority of a job with the wildcards `model` and `weights`."""
    # Another fraction for each model, in any order.
    own = crc32(f"{wildcards.model}-{wildcards.weights}".encode()) / 2**32
    if role_of_weights(wildcards) == "teacher":
        return TEACHER_TURN + ((wildcards.get("game"), wildcards.get("context")) in TAUGHT_CELLS)
    return 1 + own
