"""Resource requests of jobs that load a model: memory, time and disk, from the model's size in the config.

These are generous limits, not predictions: a job that requests too little is killed, and one that requests too much
waits longer.
"""

import math

BYTES = {"nf4": 0.6, "bfloat16": 2, "float32": 4, "source": 4}
"""Bytes per parameter at each precision."""

LOADED_BYTES = 2
"""Bytes per parameter in main memory while a model is loaded, also if it is loaded onto a GPU."""

FETCHED_BYTES = {"wheel": 4, "wheels": 4, "hub": 2, "folder": 0}
"""Bytes per parameter on disk after fetching, by source."""

PROGRAM_MB = 4000
"""Memory of Python and torch, in a shard's job and in its engine."""

ACTIVATIONS_MB = 4000
"""Memory of activations in a training without a GPU, with packs of PACK tokens; it grows with the pack."""
PACK = 1024

ADAPTER_WEIGHTS = 1e6
"""LoRA weights of all linear layers, over the rank and the square root of the billions of parameters. Llama-2-7b has
0.96e6, SmolLM2-135M 0.83e6, Qwen2.5-0.5B 0.78e6."""

CPU_FACTOR = 60
"""How many times longer a forward pass takes without a GPU."""

LOAD_MINUTES = 5
"""The part of a shard's time limit for loading the model, which the first shard of an engine does."""

OTHER_SECONDS = 10
"""Time of a job without a time limit of its own: Python, and a table or a plot of a study of the default size."""

OBSERVATION_BYTES = 40
"""Disk space of an observation in a shard of single letters; longer replies take more."""

ASSUMED_BILLIONS = 1.0
"""Parameters of a model whose size is not in the config, in billions."""


def memory_mb(model: dict, work: str, tokens_per_pack: int = 0, gradients: int = 0) -> int:
    """The main memory of a job, in MB.

    model: its section of the config. work: convert, sample or train. tokens_per_pack: that of a training. gradients:
    the MB that its Gauss-Newton steps keep, of gradients_mb.
    """
    held = max(BYTES[model["precision"]], LOADED_BYTES)
    weights = {"convert": BYTES["float32"] + held, "sample": held, "train": held}[work]
    activations = ACTIVATIONS_MB * max(1, tokens_per_pack / PACK) if work == "train" else 0
    kept = gradients if work == "train" else 0
    return math.ceil(PROGRAM_MB + activations + kept + 1000 * weights * billions(model))


def gradients_mb(model: dict, rank: int, prompts: int) -> int:
    """The main memory of Gauss-Newton steps, in MB: a float32 gradient of the adapter for each prompt."""
    return math.ceil(4 * prompts * ADAPTER_WEIGHTS * rank * math.sqrt(billions(model)) / 1e6)


def minutes(model: dict, work: str, *, observations: int = 0, epochs: int = 0) -> int:
    """The time limit of a job, in minutes, including the time to load the model.

    work: fetch, convert, sample or train. In a group of shards that share an engine, each still counts its own loading.
    """
    factor = 1 if model["gpus"] else CPU_FACTOR
    size = billions(model)
    return math.ceil(
        {
            "fetch": 1 + 2 * size,
            "convert": 10 + 2 * size,
            "sample": LOAD_MINUTES + size * factor * observations / 3000,
            "train": 30 + 5 * size * factor * epochs,
        }[work]
    )


def disk_mb(model: dict, work: str) -> int:
    """The disk space of the weights that a job writes, in MB. work: fetch or convert. A local folder is linked: 0."""
    taken = FETCHED_BYTES[model["source"]] if work == "fetch" else BYTES[model["precision"]]
    return math.ceil(1000 * taken * billions(model))


def billions(model: dict) -> float:
    """The number of parameters of a model, in billions."""
    return model.get("billions", ASSUMED_BILLIONS)
