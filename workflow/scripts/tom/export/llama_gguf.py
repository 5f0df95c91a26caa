"""A model folder of a Llama as one GGUF file, which llama.cpp loads: weights as they are, and the tokenizer.

Other architectures have other tensors and are refused; llama.cpp's convert_hf_to_gguf.py knows them.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tom.core.errors import UserError
from tom.models.checkpoint_files import weight_files

ARCHITECTURE = "LlamaForCausalLM"
TYPES = {"F32", "F16", "BF16"}
"""Types of tensors that safetensors and GGUF have, by the same names."""
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPLITS = {
    "gpt-2": [BYTE_LEVEL],
    "smollm": [{"type": "Digits", "individual_digits": True}, BYTE_LEVEL],
    "llama-bpe": [
        {"type": "Split", "pattern": {"Regex": LLAMA_3}, "behavior": "Isolated", "invert": False},
        BYTE_LEVEL | {"use_regex": False},
    ],
}
"""How llama.cpp calls a way of splitting text into words (its src/llama-vocab.cpp) → the same in a tokenizer.json."""


def write_gguf(folder: Path, file: Path, name: str) -> None:
    """Write the model in `folder`, config, safetensors and tokenizer, as GGUF. name: the model's, for its metadata.

    Matrices keep their type, vectors become float32, which llama.cpp wants. One tensor at a time is in memory.
    Errors: UserError names what GGUF is not written for: another architecture, scaled rotary embeddings, a tokenizer
    that is not byte-level BPE or splits text in another way than SPLITS.
    """
    import gguf

    config = json.loads((folder / "config.json").read_text())
    _check_architecture(config, folder)
    writer = gguf.GGUFWriter(file, "llama")
    _add_config(writer, config, name)
    _add_tokenizer(writer, folder, config)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    for own, shape, kind in _tensor_infos(folder):
        target = names.get_name(own, try_suffixes=(".weight", ".bias"))
        if target is None or kind not in TYPES:
            raise UserError(f"{folder}: {own} of type {kind}: no such tensor in a GGUF of {ARCHITECTURE}")
        dtype = gguf.GGMLQuantizationType[kind if len(shape) > 1 else "F32"]
        size = 4 if dtype == gguf.GGMLQuantizationType.F32 else 2
        writer.add_tensor_info(target, shape, np.dtype(np.float32), int(np.prod(shape)) * size, dtype)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for own, tensor in _tensors(folder):
        writer.write_tensor_data(_rotary_order(own, tensor, config))
    writer.close()


def _check_architecture(config: dict[str, Any], folder: Path) -> None:
    found = config["architectures"][0]
    if found != ARCHITECTURE:
        raise UserError(f"{folder}: GGUF is not written for {found} (allowed: {ARCHITECTURE})")
    rotary = config.get("rope_parameters") or {}
    if (kind := rotary.get("rope_type", "default")) != "default":
        raise UserError(f"{folder}: GGUF is not written for rotary embeddings of the type {kind} (allowed: default)")


def _add_config(writer, config: dict[str, Any], name: str) -> None:
    heads = config["num_attention_heads"]
    size = config.get("head_dim") or config["hidden_size"] // heads
    writer.add_name(name)
    writer.add_vocab_size(config["vocab_size"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.get("num_key_value_heads") or heads)
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_rope_dimension_count(size)
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])


def _add_tokenizer(writer, folder: Path, config: dict[str, Any]) -> None:
    from gguf import SpecialVocab, TokenType

    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokens = {index: token for token, index in tokenizer["model"]["vocab"].items()}
    added = {token["id"]: token for token in tokenizer["added_tokens"]}
    tokens |= {index: token["content"] for index, token in added.items()}
    # The embeddings may have more rows than there are tokens.
    rows = range(config["vocab_size"])
    kinds = {index: TokenType.CONTROL if token["special"] else TokenType.USER_DEFINED for index, token in added.items()}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_way_of_splitting(tokenizer, folder))
    writer.add_token_list([tokens.get(row, f"[PAD{row}]") for row in rows])
    writer.add_token_types([kinds.get(row, TokenType.NORMAL if row in tokens else TokenType.UNUSED) for row in rows])
    special = SpecialVocab(folder, load_merges=True, n_vocab=config["vocab_size"])
    # A tokenizer says nothing of what it does not add, and llama.cpp then does as the model's family does.
    special.add_special_token = {"bos": False, "eos": False} | special.add_special_token
    special.add_to_gguf(writer, quiet=True)


def _way_of_splitting(tokenizer: dict[str, Any], folder: Path) -> str:
    """What llama.cpp calls the way in which a tokenizer splits text. Errors: UserError if it has no such name."""
    model, found = tokenizer["model"], tokenizer["pre_tokenizer"] or {}
    steps = found["pretokenizers"] if found.get("type") == "Sequence" else [found]
    # How offsets are counted changes no token.
    steps = [{key: value for key, value in step.items() if key != "trim_offsets"} for step in steps]
    if model["type"] == "BPE" and not model.get("byte_fallback") and not tokenizer["normalizer"]:
        for name, known in SPLITS.items():
            if steps == known and bool(model.get("ignore_merges")) == (name == "llama-bpe"):
                return name
    what = "SentencePiece" if model.get("byte_fallback") else " + ".join(str(step.get("type")) for step in steps)
    raise UserError(f"{folder}: GGUF is not written for its tokenizer, {what} (allowed: {', '.join(SPLITS)})")


def _tensor_infos(folder: Path) -> Iterator[tuple[str, list[int], str]]:
    """Name, shape and type of each tensor, in the order of `_tensors`."""
    from safetensors import safe_open

    for name in weight_files(folder):
        with safe_open(folder / name, "pt") as file:
            for tensor in sorted(file.keys()):
                info = file.get_slice(tensor)
                yield tensor, info.get_shape(), info.get_dtype()


def _tensors(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Name and bytes of each tensor: vectors as float32, bfloat16 as the 16-bit integers of its bits."""
    import torch
    from safetensors import safe_open

    for name in weight_files(folder):
        with safe_open(folder / name, "pt") as file:
            for tensor in sorted(file.keys()):
                found = file.get_tensor(tensor)
                if found.dim() == 1:
                    found = found.float()
                yield tensor, (found.view(torch.uint16) if found.dtype == torch.bfloat16 else found).numpy()


def _rotary_order(name: str, tensor: np.ndarray, config: dict[str, Any]) -> np.ndarray:
    """Queries and keys with the two halves of each head interleaved, as llama.cpp rotates them; others as they are.

    The inverse of what transformers does when it reads a GGUF (LlamaTensorProcessor).
    """
    heads = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}
    number = next((config.get(key) for part, key in heads.items() if f".{part}." in name), None)
    if not number:
        return tensor
    split = tensor.reshape(number, 2, tensor.shape[0] // number // 2, *tensor.shape[1:])
    return np.ascontiguousarray(split.swapaxes(1, 2)).reshape(tensor.shape)
