"""Model folders at one precision: quantise once, load often, with or without an adapter.

NF4 is bitsandbytes' 4-bit normal float with double quantisation (Dettmers et al., QLoRA, arXiv
2305.14314). The quantised weights are saved once: loading them takes a tenth of the time that
quantising them again does, and every engine then runs on the same bits.
"""

from pathlib import Path


def pick_device() -> str:
    """The GPU where there is one, else the CPU."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def load_tokenizer(folder: str | Path):
    """The folder's tokenizer; no hub is asked."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def convert_precision(source: str | Path, folder: str | Path, precision: str, compute_dtype: str) -> None:
    """Save the model of `source` in `folder`, its linear layers at `precision`, the rest at `compute_dtype`.

    precision: nf4, float32 or bfloat16. compute_dtype: what NF4 layers compute in; on a CPU float32, since
    with bfloat16 a reloaded adapter's logits were seen to drift by up to 0.02.
    """
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    settings: dict = {"dtype": getattr(torch, precision if precision != "nf4" else compute_dtype)}
    if precision == "nf4":
        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=compute_dtype,
        )
    model = AutoModelForCausalLM.from_pretrained(
        source, device_map={"": pick_device()}, local_files_only=True, **settings
    )
    model.save_pretrained(folder)
    load_tokenizer(source).save_pretrained(folder)


def load_model(folder: str | Path, device: str, adapter: str | Path | None = None):
    """A causal language model in evaluation mode, at its folder's precision; an adapter is kept apart."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        folder, device_map={"": device}, dtype="auto", attn_implementation="sdpa", local_files_only=True
    )
    _keep_weights_unpacked(model)
    if adapter is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter)
    return model.eval()


def merge_adapter(base: str | Path, adapter: str | Path, folder: str | Path) -> None:
    """Save the base, dequantised where it was quantised, with the adapter merged into its weights, in `folder`.

    The weights keep the base's own type: what its NF4 layers computed in.
    """
    from peft import PeftModel

    model = load_model(base, pick_device())
    dtype = model.dtype
    if getattr(model, "is_quantized", False):
        model = model.dequantize()
    model = PeftModel.from_pretrained(model.to(dtype), adapter).merge_and_unload()
    # Transformers knows no way back from dequantised weights to the format that they were read in.
    model.save_pretrained(folder, save_original_format=False)
    load_tokenizer(base).save_pretrained(folder)


def _keep_weights_unpacked(model) -> None:
    """Forbid bitsandbytes its bfloat16 kernel for CPUs.

    On a CPU with AVX512-BF16 it repacks NF4 weights at the first forward in evaluation mode and computes
    in bfloat16 whatever was asked: logits move by 0.2, results differ from machine to machine, and a
    backward pass through the kernel silently gives no gradient.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
