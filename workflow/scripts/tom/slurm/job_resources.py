"""What a job that holds a model asks a cluster for: memory, time and disk, from the model's size in the config.

Limits with room to spare, not predictions: what asks for too little is killed, what asks for too much waits longer.
"""

import math

BYTES = {"nf4": 0.6, "bfloat16": 2, "float32": 4, "source": 4}
"""Of a parameter held at each precision."""

LOADED_BYTES = 2
"""Of a parameter on its way through the machine's memory, on a GPU as well."""

FETCHED_BYTES = {"wheel": 4, "wheels": 4, "hub": 2, "folder": 0}
"""Of a parameter as fetched, by source."""

PROGRAM_MB = 4000
"""Of Python and torch, in a shard and in the engine that answers it."""

ACTIVATIONS_MB = 4000
"""Of a training without a GPU, at the packs of the default config; they grow with the pack."""
PACK = 1024

CPU_FACTOR = 60
"""How much longer a forward pass takes without a GPU."""

LOAD_MINUTES = 5
"""Of a shard's time, for the first shard of an engine to load the model."""

OTHER_SECONDS = 10
"""Of a job that is asked no time for: Python, and a table or a plot of a study of the default's size."""

OBSERVATION_BYTES = 40
"""Of a shard of letters; replies in words take more."""

ASSUMED_BILLIONS = 1.0


def memory_mb(model: dict, work: str, tokens_per_pack: int = 0) -> int:
    """The machine's memory for `work`, one of convert, sample and train, on a model's section of the config."""
    held = max(BYTES[model["precision"]], LOADED_BYTES)
    weights = {"convert": BYTES["float32"] + held, "sample": held, "train": held}[work]
    activations = ACTIVATIONS_MB * max(1, tokens_per_pack / PACK) if work == "train" else 0
    return math.ceil(PROGRAM_MB + activations + 1000 * weights * billions(model))


def minutes(model: dict, work: str, *, observations: int = 0, epochs: int = 0) -> int:
    """Wall time for `work`, loading included. In a group of shards that share one load, each brings its own."""
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
    """What the weights that `work`, fetch or convert, writes take on the disk; a folder of the user's own is linked."""
    taken = FETCHED_BYTES[model["source"]] if work == "fetch" else BYTES[model["precision"]]
    return math.ceil(1000 * taken * billions(model))


def billions(model: dict) -> float:
    """The model's parameters in billions."""
    return model.get("billions", ASSUMED_BILLIONS)
