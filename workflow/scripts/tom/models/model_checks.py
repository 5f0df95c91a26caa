"""What was asked of a model is compared with what it is: before its weights are loaded, and when they are.

An empty model, which has shapes and no numbers, knows its layers without reading a weight.
"""

from collections.abc import Iterable
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

from tom.core.errors import UserError
from tom.core.library_errors import first_line
from tom.models.checkpoint_files import quantised_by, tensor_headers

ATTENTION = ("full_attention", "sliding_attention")
"""Kinds of layers that a packed pass reaches with its mask."""
UNQUANTISED = 0.01
"""The most of the weights of linear layers that may stay as they are where NF4 is asked for: routers are that small."""
SHOWN = 3


def read_config(folder: Path):
    """The model's configuration as transformers has it. Errors: UserError if transformers doesn't know the model."""
    try:
        # Without the flag, transformers would ask on the terminal whether to run the folder's own code.
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, KeyError, OSError) as error:
        raise UserError(f"{folder}: transformers can't use its config.json ({first_line(error)})") from None


def empty_model(folder: Path):
    """The folder's model without its weights. Errors: UserError if transformers doesn't know the model."""
    config = read_config(folder)
    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except (ValueError, ImportError) as error:
        raise UserError(f"{folder}: transformers can't use the model ({first_line(error)})") from None


def check_attention(folder: Path, model) -> None:
    """Raise UserError unless the layers of a model all attend to what a packed pass shows them, and to nothing else."""
    kinds = set(getattr(model.config.get_text_config(), "layer_types", None) or []) - set(ATTENTION)
    if kinds or getattr(model, "_is_stateful", False):
        why = f"has layers of the kind {min(kinds, default='recurrent')}"
    elif not model._supports_sdpa:
        why = f"is a {type(model).__name__}, which transformers does not compute with SDPA"
    else:
        return
    raise UserError(
        f"{folder}: the model {why} (allowed for students and engine: transformers: models whose layers are all"
        f" of the kind {' or '.join(ATTENTION)}, with SDPA)"
    )


def check_weights(folder: Path, model) -> None:
    """Raise UserError unless the folder's weights are those of the empty model: each of them, and no others.

    Only the headers of the files are read. Quantised weights have tensors of their own, and are checked when loaded.
    """
    headers = tensor_headers(folder)
    if not headers or quantised_by(folder):
        return
    empty = {name: torch.empty(header.shape, device="meta") for name, header in headers.items()}
    _, found = type(model).from_pretrained(
        None,
        config=model.config,
        state_dict=empty,
        device_map={"": "meta"},
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    check_loaded(folder, found)


def check_loaded(folder: Path, found: dict) -> None:
    """Raise UserError unless transformers has filled every weight from the folder, and left none of them aside.

    found: what `from_pretrained` returns with output_loading_info. Weights that are tied to others count as filled.
    """
    missing, unexpected = (sorted(found[key]) for key in ("missing_keys", "unexpected_keys"))
    parts = []
    if missing:
        parts.append(f"lack {some(missing)}, which would be drawn at random")
    if unexpected:
        parts.append(f"have {some(unexpected)}, which the model has no place for")
    if found["mismatched_keys"]:
        name, held, needed = min(found["mismatched_keys"])
        parts.append(f"have {name} as {tuple(held)}, the model as {tuple(needed)}")
    if not parts:
        return
    prefixes = {name.removesuffix(own) for own in missing for name in unexpected if name.endswith(f".{own}")}
    hint = f" (their names begin with '{min(prefixes)}': save them without it)" if len(prefixes) == 1 else ""
    raise UserError(f"{folder}: its weights {', and '.join(parts)}{hint}")


def check_quantisable(folder: Path, model) -> set[str]:
    """The names of the empty model's linear layers that become NF4.

    bitsandbytes quantises torch's own linear layers. Experts that are fused into one parameter stay as they are, and so
    do linear layers of a class of their own, such as Falcon's. Embeddings and the output head are never quantised.
    Errors: UserError if more than a hundredth of the other weights would stay as they are.
    """
    kinds = (torch.nn.Linear, Conv1D)
    linear = {name: module for name, module in model.named_modules() if type(module) in kinds}
    embeddings = [module for module in model.modules() if isinstance(module, torch.nn.Embedding)]
    embeddings += [head] if (head := model.get_output_embeddings()) is not None else []
    exempt = {id(module.weight) for module in embeddings}
    linear = {name: module.weight for name, module in linear.items() if id(module.weight) not in exempt}
    exempt |= {id(weight) for weight in linear.values()}
    left = {
        name: parameter.numel()
        for name, parameter in model.named_parameters()
        if parameter.ndim > 1 and id(parameter) not in exempt
    }
    unquantised = sum(left.values())
    share = unquantised / max(1, unquantised + sum(weight.numel() for weight in linear.values()))
    if not linear or share > UNQUANTISED:
        raise UserError(
            f"{folder}: nf4 would quantise {len(linear)} linear layers and leave {100 * share:.0f} % of the weights as"
            f" they are, in {some(list(left))} (allowed: precision: float32, bfloat16 or source)"
        )
    return set(linear)


def check_quantised(folder: Path, model, expected: Iterable[str]) -> None:
    """Raise UserError unless each of these linear layers of a loaded model is NF4."""
    from bitsandbytes.nn import Linear4bit

    found = {name for name, module in model.named_modules() if isinstance(module, Linear4bit)}
    if unlike := sorted(set(expected) ^ found):
        raise UserError(
            f"{folder}: {len(found)} layers became nf4, others than was meant: {some(unlike)}"
            " (allowed: precision: float32, bfloat16 or source)"
        )


def check_target_modules(model, names: list[str] | str) -> None:
    """Raise UserError unless the model, empty or loaded, has each of these layers, of a kind that LoRA adapts.

    names: layers as PEFT takes them, by the end of their names; or all-linear, every linear layer but the output head.
    """
    kinds = (torch.nn.Linear, torch.nn.Embedding, Conv1D)
    layers = [name for name, module in model.named_modules() if isinstance(module, kinds)]
    wanted = [] if names == "all-linear" else names
    if absent := [name for name in wanted if not any(f".{layer}".endswith(f".{name}") for layer in layers)]:
        known = sorted({layer.rpartition(".")[2] for layer in layers})
        raise UserError(
            f"training.target_modules: the model has no layer {', '.join(absent)} that LoRA adapts (allowed:"
            f" all-linear, or of {', '.join(known)})"
        )


def check_room(folder: Path, lengths: list[int], packed: bool = True) -> None:
    """Raise UserError unless the model has positions for prompts with their replies of these lengths, in tokens.

    packed: whether they are computed in packed passes, whose layers attend to all that comes before.
    """
    config, longest = read_config(folder).get_text_config(), max(lengths, default=0)
    limits = [("has {} positions", "max_position_embeddings")]
    limits += [("attends to {} tokens at a time", "sliding_window")] if packed else []
    for words, name in limits:
        limit = getattr(config, name, None)
        if limit and longest > limit:
            said = words.format(limit)
            raise UserError(
                f"{folder}: a prompt with its reply takes up to {longest} tokens, and the model {said} (allowed:"
                " shorter texts, a prompt format with a smaller max_tokens, or another model)"
            )


def some(names: list[str]) -> str:
    """The first few of the names."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
