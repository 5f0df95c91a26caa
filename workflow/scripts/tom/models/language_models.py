"""Language models at a given precision: converting once, loading often, with or without an adapter.

NF4 is the 4-bit NormalFloat of bitsandbytes with double quantisation. The quantised weights are saved once: loading
them takes a tenth of the time of quantising again, and every engine runs on the same bits.
Source: Dettmers et al., QLoRA: Efficient Finetuning of Quantized LLMs (arXiv 2305.14314).
"""

from pathlib import Path

from tom.core.errors import UserError
from tom.core.library_errors import first_line
from tom.models.cast_weights import cast_weights
from tom.models.checkpoint_files import require_computable, require_unquantised, weight_files
from tom.prompts.templates import Section, use_template


def load_tokenizer(folder: str | Path, template: Section | None = None):
    """Load the folder's tokenizer, without contacting a hub. template: the config's section of that name.

    Errors: UserError if transformers can't use the tokenizer.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, OSError, KeyError, ImportError) as error:
        raise UserError(f"{folder}: transformers can't use its tokenizer ({first_line(error)})") from None
    use_template(tokenizer, Path(folder), template)
    return tokenizer


def convert_precision(
    source: str | Path, folder: str | Path, precision: str, compute_dtype: str, device: str = "cpu"
) -> None:
    """Save the model in `source` to `folder` at another precision.

    precision: nf4, float32 or bfloat16; nf4 quantises the linear layers alone. compute_dtype: the type that NF4 layers
    compute in and that all other weights have. On a CPU it should be float32: with bfloat16, the logits of a reloaded
    adapter drift by up to 0.02. device: on which nf4 is made, a weight at a time as it is read; all else is made on the
    CPU. Errors: UserError if the weights are quantised already, are not those of the model, or would not become nf4.
    """
    from tom.models.model_checks import check_quantisable, check_quantised, check_weights, empty_model

    require_unquantised(Path(source), precision)
    empty = empty_model(Path(source))
    check_weights(Path(source), empty)
    if precision != "nf4" and weight_files(Path(source)):
        cast_weights(Path(source), Path(folder), precision)
        return
    import torch
    from transformers import BitsAndBytesConfig

    settings: dict = {"dtype": getattr(torch, precision if precision != "nf4" else compute_dtype)}
    if precision == "nf4":
        to_quantise = check_quantisable(Path(source), empty)
        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=compute_dtype,
        )
    model = _read_model(source, device, **settings)
    if precision == "nf4":
        check_quantised(Path(source), model, to_quantise)
    model.save_pretrained(folder)
    load_tokenizer(source).save_pretrained(folder)


def load_model(folder: str | Path, device: str, adapter: str | Path | None = None):
    """Load a causal language model in evaluation mode, at its folder's precision. An adapter is not merged.

    Its logits are float32, whatever the type of its weights. Errors: UserError if the model can't be used
    (require_usable), or if its weights or the adapter's are not all there.
    """
    require_usable(folder)
    model = _read_model(folder, device, dtype="auto", attn_implementation="sdpa")
    _keep_weights_unpacked(model)
    _compute_logits_in_float32(model)
    if adapter is not None:
        model = _add_adapter(model, Path(adapter))
    return model.eval()


def change_adapter(model, adapter: str | Path | None, new: str | Path | None):
    """A model that load_model gave for `adapter`, as load_model gives it for `new`: the weights stay where they are.

    Errors: UserError, after which the model can't be used.
    """
    if adapter is not None:
        model = model.unload()
    if new is not None:
        model = _add_adapter(model, Path(new))
    return model.eval()


def require_usable(folder: str | Path):
    """The folder's model without its weights.

    Errors: UserError if transformers can't use it as this workflow does, or if the weights are not those of the model.
    """
    from tom.models.model_checks import check_attention, check_weights, empty_model

    require_computable(Path(folder))
    model = empty_model(Path(folder))
    check_attention(Path(folder), model)
    check_weights(Path(folder), model)
    return model


def _read_model(folder: str | Path, device: str, **settings):
    """A model whose weights are all from its folder. Errors: UserError."""
    from transformers import AutoModelForCausalLM

    from tom.models.model_checks import check_loaded

    model, found = AutoModelForCausalLM.from_pretrained(
        folder,
        device_map={"": device},
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
        **settings,
    )
    check_loaded(Path(folder), found)
    return model


def _add_adapter(model, adapter: Path):
    """The model with an adapter whose weights are all used. Errors: UserError."""
    from peft import PeftModel
    from peft.utils.save_and_load import get_peft_model_state_dict, load_peft_weights

    from tom.models.model_checks import some

    try:
        model = PeftModel.from_pretrained(model, adapter)
    except (ValueError, RuntimeError) as error:
        raise UserError(f"{adapter}: the adapter does not fit its model ({first_line(error)})") from None
    held, needed = set(load_peft_weights(str(adapter), device="cpu")), set(get_peft_model_state_dict(model))
    if unlike := sorted(held ^ needed):
        raise UserError(
            f"{adapter}: the adapter has {len(held)} weights, and the model takes {len(needed)} from it; in one of the"
            f" two alone: {some(unlike)}"
        )
    return model


def merge_adapter(base: str | Path, adapter: str | Path, folder: str | Path) -> None:
    """Save a copy of the base, dequantised if necessary, with the adapter merged into its weights, on the CPU.

    The weights have the type that the base's NF4 layers compute in. The sums are those of the CPU, where a model has
    room that is larger than a GPU.
    """
    model = load_model(base, "cpu")
    dtype = model.dtype
    if getattr(model, "is_quantized", False):
        model = model.dequantize()
    model = _add_adapter(model.to(dtype), Path(adapter)).merge_and_unload()
    # Transformers can not convert dequantised weights back to their original format.
    model.save_pretrained(folder, save_original_format=False)
    load_tokenizer(base).save_pretrained(folder)


def _keep_weights_unpacked(model) -> None:
    """Disable the bfloat16 CPU kernel of bitsandbytes.

    On a CPU with AVX512-BF16, bitsandbytes repacks NF4 weights at the first forward pass in evaluation mode and
    computes in bfloat16 regardless of the compute type. Logits then change by 0.2, results depend on the machine, and a
    backward pass silently gives no gradient.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def _compute_logits_in_float32(model) -> None:
    """Let the output head compute in float32 if its weights have 16 bits.

    Near 30, where logits lie, neighbouring bfloat16 numbers are 1/8 apart: a head that rounds to them leaves few
    distinct probabilities. What a model does to its logits, such as a cap or a scale, follows the head and so is
    float32 as well.
    """
    import torch

    from tom.models.float32_head import Float32Head

    head = model.get_output_embeddings()
    # Layers derived from Linear hold packed weights.
    if type(head) is torch.nn.Linear and head.weight.dtype in (torch.bfloat16, torch.float16):
        head.__class__ = Float32Head
