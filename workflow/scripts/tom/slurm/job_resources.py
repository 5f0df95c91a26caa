"""Resource requests of jobs that load a model: memory, CPUs, time and disk, from the model's size in the config.

They are limits, up to twice what is expected (docs/gpu.md): a job that requests too little is killed, and one that
requests too much waits longer. `model` is a model's section of the config, with `unquantised` and `vocabulary` where
its weights are here to be counted (tom/models/checkpoint_files.py). `work` is what the job does with the model: fetch,
convert, merge, sample or train.
"""

import math

from tom.engines.interface import REPLIES_PER_BATCH
from tom.engines.registry import settings_of

GB_PER_BILLION = {"bfloat16": 2, "float32": 4, "source": 4}
"""Size of a billion parameters at each precision."""

NF4_GB = 0.5 + 1 / 64 + 4 / (64 * 256)
"""The same of a linear layer at NF4: 4 bits each, a byte for each block of 64, and 4 bytes for 256 of these."""

UNQUANTISED = 0.45
"""The billions of embeddings and output head, over the root of all billions, where they are not counted. No less than
those of 24 published models with up to 262,144 tokens (tests/models/test_size.py)."""

VOCABULARY = 262_144
"""The tokens of a vocabulary that is not known: as many as Gemma 3 has."""

LOGITS_MB = 12e-6
"""Memory of a token's logits in training over the vocabulary: three times float32."""

LOADED_GB = 2
"""The same in main memory while a model is loaded on a CPU, at least."""

QUANTISED_GB = 1
"""The same while it is quantised to NF4, at least; 0.9 was measured."""

FETCHED_GB = {"wheel": 4, "wheels": 4, "hub": 2, "folder": 0}
"""The same on disk after fetching, by source."""

FETCHED_GB_A_SECOND = 0.1

FILE_GB = 10
"""The largest file of a model's weights. Weights that are not quantised are converted file by file."""

PROGRAM_MB = 4000
"""Main memory of Python and torch: of a job and its engine, and of each GPU's process."""

MAPPED = 0.25
"""The part of the weights that is in main memory at a time on its way to a GPU. The files are mapped."""

ACTIVATIONS_MB = 4000
"""Memory of activations in a training without a GPU, with packs of PACK tokens; it grows with the pack."""
PACK = 1024
MEASURED_VOCABULARY = 49_152
"""Whose logits these activations hold."""

ADAPTER_WEIGHTS = 1e6
"""LoRA weights of all linear layers, over the rank and the square root of the billions of parameters. Llama-2-7b has
0.96e6, SmolLM2-135M 0.83e6, Qwen2.5-0.5B 0.78e6."""

CPU_FACTOR = 30
"""How many times longer an example of choices takes on a CPU than one of motivations on a GPU."""

LOAD_SECONDS = 120
"""To start Python, torch and an engine, without reading the weights. vLLM compiles for 15 to 40 seconds of it."""

READ_GB_A_SECOND = 0.5
"""At which weights are read, or written, and checked. Disks of clusters have 0.6 to 2."""

SHARD_SECONDS = 5
"""Of a shard besides its replies: its client starts, and writes a file."""

TOKEN_SECONDS = 0.08
"""Of a token of each reply of a batch, on GPUs, at any size of a model and of the batch. On an H100 transformers is
expected to take 0.04, with an adapter 0.055, and vLLM 0.02."""

CPU_TOKENS_A_SECOND = 3
"""Of replies on a CPU, with a billion parameters. Measured: 41 tokens a second with 0.135 billion."""

EXAMPLE_SECONDS = 1
"""Of a training example and its 300 replies, with a billion parameters on a GPU; choices alone take less."""

OTHER_SECONDS = 10
"""Time of a job without a time limit of its own: Python, and a table or a plot of a study of the default size."""

OBSERVATION_BYTES = 40
"""Disk space of an observation in a shard of single letters; longer replies take more."""

GPU_PROGRAM_GB = 1.5
"""GPU memory of CUDA itself, and of kernels that were compiled."""

PROMPT_TOKENS = 300

TOKEN_MB = {"q_proj,v_proj": 4.5, "all-linear": 5.5}
"""GPU memory that training keeps for a token of a pack, with 7 billion parameters; it grows as their 2/3rd power."""
CHECKPOINTED_TOKEN_MB = 0.45
"""The same with gradient checkpointing: the input of each layer, and one layer as a whole."""
STEM_TOKENS = 1500
"""Of the prompts that packs begin with, which are kept beside a pack. All of the paper's in one order are 1,400."""


def unquantised(model: dict) -> float:
    """The billions of weights that NF4 leaves as they are: embeddings and output head."""
    return model.get("unquantised", min(model["billions"], UNQUANTISED * math.sqrt(model["billions"])))


def weights_gb(model: dict) -> float:
    """The size of a model's weights at its precision. At NF4 the others have the type that is computed in."""
    if model["precision"] != "nf4":
        return GB_PER_BILLION[model["precision"]] * model["billions"]
    left = unquantised(model)
    return NF4_GB * (model["billions"] - left) + GB_PER_BILLION[model["compute_dtype"]] * left


def gpus(model: dict, work: str) -> int:
    """The GPUs of a job: training and quantising use one, and other weights are converted on a CPU."""
    if work == "sample":
        return model["gpus"]
    on_a_gpu = work == "train" or (work == "convert" and model["precision"] == "nf4")
    return min(model["gpus"], 1) if on_a_gpu else 0


def cpus(model: dict, work: str, threads: int) -> int:
    """The CPUs of a job. vLLM runs a process for each GPU and one besides, each of which reads and compiles."""
    return max(threads, 2 + 2 * gpus(model, work)) if gpus(model, work) else threads


def memory_mb(model: dict, work: str, tokens_per_pack: int = 0, gradients: int = 0) -> int:
    """The main memory of a job, in MB.

    tokens_per_pack: that of a training. gradients: the MB that its Gauss-Newton steps keep, of gradients_mb.
    """
    weights, loaded = weights_gb(model), LOADED_GB * model["billions"]
    if work == "convert":
        held = min(weights, FILE_GB)
        if model["precision"] == "nf4":
            # The table of embeddings is there as it came while its copy is made.
            held = max(QUANTISED_GB * model["billions"], weights + LOADED_GB * unquantised(model))
        return math.ceil(2 * PROGRAM_MB + 1000 * held)
    if work == "merge":
        return math.ceil(PROGRAM_MB + 1000 * (weights + 2 * loaded))
    kept = gradients if work == "train" else 0
    if used := gpus(model, work):
        return math.ceil(PROGRAM_MB * (1 + used) + 1000 * MAPPED * weights + kept)
    if work == "train":
        kept += ACTIVATIONS_MB * max(1, tokens_per_pack / PACK)
        more_tokens = model.get("vocabulary", VOCABULARY) - MEASURED_VOCABULARY
        kept += LOGITS_MB * max(0, more_tokens) * max(PACK, tokens_per_pack)
    return math.ceil(PROGRAM_MB + kept + 1000 * max(weights, loaded))


def gradients_mb(model: dict, rank: int, prompts: int) -> int:
    """The main memory of Gauss-Newton steps, in MB: a float32 gradient of the adapter for each prompt."""
    return math.ceil(4 * prompts * ADAPTER_WEIGHTS * rank * math.sqrt(model["billions"]) / 1e6)


def gpu_memory_mb(
    model: dict,
    work: str,
    *,
    reply_tokens: int = 1,
    tokens_per_pack: int = 0,
    target_modules: str = "all-linear",
    gradient_checkpointing: bool = False,
) -> int:
    """The memory that a job needs of each of its GPUs, in MB; 0 without any. An engine may take more, if it is there.

    reply_tokens: of the longest reply. The rest: settings of a training.
    """
    if not (used := gpus(model, work)):
        return 0
    weights = weights_gb(model)
    if work == "sample":
        # Each reply has keys and values of its own: half a MB a token with 7 billion parameters, and no more in larger
        # models, whose heads share them.
        replies = model.get("transformers", {}).get("replies_per_batch", REPLIES_PER_BATCH)
        cached = replies * (PROMPT_TOKENS + reply_tokens) * min(0.075 * model["billions"], 0.5) / 1000
        return math.ceil(1000 * (GPU_PROGRAM_GB + (weights + (cached if reply_tokens > 1 else 1)) / used))
    if work == "train":
        kept = TOKEN_MB.get(target_modules, TOKEN_MB["all-linear"])
        if gradient_checkpointing:
            kept = CHECKPOINTED_TOKEN_MB
        kept *= (model["billions"] / 7) ** (2 / 3)
        logits = LOGITS_MB * model.get("vocabulary", VOCABULARY) * tokens_per_pack
        return math.ceil(1000 * (GPU_PROGRAM_GB + weights) + (tokens_per_pack + STEM_TOKENS) * kept + logits)
    return math.ceil(1000 * (GPU_PROGRAM_GB + weights))


def load_seconds(model: dict) -> float:
    """Until a model is loaded: by each job, but once by shards that share an engine."""
    return LOAD_SECONDS + weights_gb(model) / READ_GB_A_SECOND


def work_seconds(
    model: dict, work: str, *, replies: int = 0, reply_tokens: int = 0, epochs: int = 0, examples: int = 0
) -> float:
    """The time of a job besides loading the model.

    replies, reply_tokens: of a shard, and the tokens of the longest one. epochs, examples: of a training, examples as
    an epoch has them.
    """
    size = model["billions"]
    if work == "fetch":
        return 60 + size * FETCHED_GB[model["source"]] / FETCHED_GB_A_SECOND
    if work == "train":
        return 240 + size * (1 if model["gpus"] else CPU_FACTOR) * EXAMPLE_SECONDS * epochs * examples
    if work == "sample":
        if not model["gpus"]:
            return SHARD_SECONDS + replies * reply_tokens * size / CPU_TOKENS_A_SECOND
        # An engine without such a setting draws all replies to a prompt together.
        settings = settings_of(model["engine"], model.get(model["engine"], {}))
        batches = math.ceil(replies / getattr(settings, "replies_per_batch", replies))
        return SHARD_SECONDS + batches * reply_tokens * TOKEN_SECONDS
    return 180 + (size * LOADED_GB + weights_gb(model)) / READ_GB_A_SECOND


def minutes(seconds: float) -> int:
    """A time limit, in whole minutes as SLURM has them."""
    return math.ceil(seconds / 60)


def disk_mb(model: dict, work: str) -> int:
    """The disk space of the weights that a job writes, in MB. A local folder is linked: 0."""
    taken = FETCHED_GB[model["source"]] * model["billions"] if work == "fetch" else weights_gb(model)
    return math.ceil(1000 * taken)
