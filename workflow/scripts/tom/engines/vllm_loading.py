"""Open a local model in vLLM, in this process, and close it."""

import gc
import json
import os
import tempfile
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tom.core.errors import UserError
from tom.engines.local_model import LocalModel

CPU_CACHE_BYTES = 2**30  # for keys and values; VLLM_CPU_KVCACHE_SPACE (GiB) takes its place
LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # what vLLM can make room for
ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # a scheduler in another process batches by the clock
    "VLLM_NO_USAGE_STATS": "1",
    # A forked worker can't use CUDA once this process has looked for it (torch_device).
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
}


def read_model_config(weights: Path, gpus: int) -> dict:
    """The model folder's config.json. Errors: UserError if it is quantised in a way that vLLM does not serve here."""
    config = json.loads((weights / "config.json").read_text())
    quantised = config.get("quantization_config")
    if quantised and quantised.get("quant_method") == "bitsandbytes":
        raise UserError(
            f"{weights}: vLLM does not serve weights that bitsandbytes quantised"
            " (allowed: other weights, or engine: transformers)"
        )
    if quantised and not gpus:
        raise UserError(
            f"{weights}: quantised weights need a GPU in vLLM (on a CPU, precision: float32, bfloat16,"
            " or source of weights that are not quantised)"
        )
    return config


def applied_at_run_time(local: LocalModel) -> bool:
    """Whether vLLM applies the adapter beside the weights; False without an adapter."""
    return local.adapter is not None and local.engine_settings.adapter == "runtime"


def open_llm(local: LocalModel, config: dict, context: int):
    """The model as a `vllm.LLM` for sequences of up to `context` tokens. Errors: UserError."""
    options = _adapter_options(local)
    os.environ.update(ENVIRONMENT)

    import torch
    from vllm import LLM
    from vllm.platforms import current_platform

    if not local.gpus and not current_platform.is_cpu():
        raise UserError(
            "gpus: 0, but this environment's vLLM does not compute on CPUs"
            " (allowed: gpus: 1; or an environment with envs/requirements-vllm.txt)"
        )
    # Once vLLM has started it forbids this.
    torch.set_num_threads(local.threads)
    with _served_weights(local) as weights:
        return LLM(
            model=str(weights),
            max_model_len=context,
            # By default vLLM would load float32 weights at half precision.
            dtype=config.get("dtype") or config.get("torch_dtype") or "auto",
            # By default logits would be rounded to the weights' type, and so probabilities.
            hf_overrides={"head_dtype": "float32"},
            enable_prefix_caching=True,
            disable_log_stats=True,
            **_device_options(local),
            **options,
        )


def close_llm(llm) -> None:
    """Free the memory of this process's one `vllm.LLM`."""
    from vllm.distributed import cleanup_dist_env_and_memory

    llm.llm_engine.engine_core.shutdown()
    gc.collect()
    cleanup_dist_env_and_memory()


@contextmanager
def _served_weights(local: LocalModel) -> Iterator[Path]:
    """The folder to serve: the model's own, or a merged copy that lives until it is loaded."""
    if local.adapter is None or applied_at_run_time(local):
        yield local.weights
        return
    from tom.models.language_models import merge_adapter

    with tempfile.TemporaryDirectory(prefix="tom-transfer-merged-") as folder:
        merge_adapter(local.weights, local.adapter, folder)
        yield Path(folder)


def _adapter_options(local: LocalModel) -> dict:
    if not applied_at_run_time(local):
        return {}
    settings = json.loads((local.adapter / "adapter_config.json").read_text())
    rank = max(settings["r"], *settings.get("rank_pattern", {}).values(), 0)
    if rank > LORA_RANKS[-1]:
        raise UserError(
            f"{local.adapter}: vLLM applies no rank {rank} at run time"
            f" (allowed: up to {LORA_RANKS[-1]}, or vllm.adapter: merged)"
        )
    return {"enable_lora": True, "max_loras": 1, "max_lora_rank": LORA_RANKS[bisect_left(LORA_RANKS, rank)]}


def _device_options(local: LocalModel) -> dict:
    if not local.gpus:
        return {
            "enforce_eager": True,
            "kv_cache_memory_bytes": CPU_CACHE_BYTES,
            # Replies share whole blocks of their prompt; vLLM's default on a CPU is 128 tokens.
            "block_size": 32,
            # On a CPU, vLLM 0.32 crashes on a seeded request whose prompt is computed in chunks.
            "enable_chunked_prefill": False,
        }
    return {
        "enforce_eager": local.engine_settings.eager,
        "gpu_memory_utilization": local.engine_settings.memory_share,
        "tensor_parallel_size": local.engine_settings.tensor_parallel,
    }
