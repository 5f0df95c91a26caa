"""What the files of a model folder say before a model is loaded: are they whole, and which tensors do they hold?"""

import json
import math
import struct
from pathlib import Path
from typing import NamedTuple
from zipfile import is_zipfile

from tom.core.errors import UserError
from tom.core.files import check_no_pointer, read_json

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"


class Header(NamedTuple):
    """A tensor in a safetensors file: its type as safetensors calls it, and its shape."""

    dtype: str
    shape: tuple[int, ...]


def weight_files(folder: Path) -> list[str]:
    """The names of the safetensors files that a model is loaded from; none if there are no such files."""
    if (folder / WEIGHTS).is_file():
        return [WEIGHTS]
    if (folder / INDEX).is_file():
        return sorted(set(read_json(folder / INDEX).get("weight_map", {}).values()))
    return []


def tensor_headers(folder: Path) -> dict[str, Header]:
    """Tensor name → header, of all safetensors files that a model is loaded from. No weights are read.

    Errors: UserError names a file that is missing, cut off, or no safetensors file, or a tensor that none of them has.
    """
    found: dict[str, Header] = {}
    for name in weight_files(folder):
        found |= read_header(folder / name)
    if (folder / INDEX).is_file() and not (folder / WEIGHTS).is_file():
        listed = read_json(folder / INDEX)["weight_map"]
        if absent := sorted(set(listed) - set(found)):
            raise UserError(f"{folder / listed[absent[0]]}: lacks the tensor {absent[0]}, which {INDEX} lists in it")
    return found


def read_header(file: Path) -> dict[str, Header]:
    """The tensors of one safetensors file. Format: https://github.com/huggingface/safetensors#format.

    Errors: as tensor_headers.
    """
    if not file.is_file():
        raise UserError(f"{file}: missing, though {INDEX} lists it; fetch the model again")
    check_no_pointer(file)
    size = file.stat().st_size
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > size:
                raise ValueError
            document = json.loads(stream.read(length))
        document.pop("__metadata__", None)
        headers = {name: Header(part["dtype"], tuple(part["shape"])) for name, part in document.items()}
        end = max((part["data_offsets"][1] for part in document.values()), default=0)
    except (ValueError, struct.error, AttributeError, KeyError, TypeError):
        raise UserError(f"{file}: {size:,} bytes that are no safetensors file; fetch the model again") from None
    if size != 8 + length + end:
        raise UserError(f"{file}: {size:,} bytes of {8 + length + end:,}; fetch the model again")
    return headers


def count_weights(folder: Path) -> dict[str, float]:
    """A model's billions of weights, those of them that NF4 would leave as they are, and its vocabulary in tokens.

    Left are embeddings and output head, which have a row for each token of the vocabulary, and what is no matrix. The
    keys are those of tom/slurm/job_resources.py; none where safetensors do not say it. No weights are read. Errors:
    UserError as tensor_headers.
    """
    headers = tensor_headers(folder)
    if not headers or quantised_by(folder):
        return {}
    config = read_json(folder / CONFIG)
    config |= config.get("text_config") or {}
    rows = {value for key, value in config.items() if key.startswith("vocab_size")}
    sizes = {name: math.prod(header.shape) / 1e9 for name, header in headers.items()}
    left = (
        sizes[name] for name, (_, shape) in headers.items() if len(shape) != 2 or shape[0] in rows or "embed" in name
    )
    vocabulary = {"vocabulary": config["vocab_size"]} if "vocab_size" in config else {}
    return {"billions": sum(sizes.values()), "unquantised": sum(left)} | vocabulary


def quantised_by(folder: Path) -> str | None:
    """How the weights of a folder are quantised already, such as gptq; None if they are not."""
    config = read_json(folder / CONFIG)
    for section in (config, config.get("text_config") or {}):
        for key in ("quantization_config", "compression_config"):
            if settings := section.get(key):
                return str(settings.get("quant_method", key))
    if (folder / "hf_quant_config.json").is_file():
        return "modelopt"
    kinds = {header.dtype for header in tensor_headers(folder).values()}
    return next((f"safetensors type {kind}" for kind in sorted(kinds) if kind.startswith(("F8", "F4", "F6"))), None)


def require_unquantised(folder: Path, precision: str) -> None:
    """Raise UserError if the weights can't be brought to a precision because they are quantised already."""
    if method := quantised_by(folder):
        raise UserError(
            f"{folder}: its weights are quantised ({method}) and do not become {precision}"
            " (allowed: weights that are not quantised, or precision: source)"
        )


def require_computable(folder: Path) -> None:
    """Raise UserError if the weights are quantised in a way that only other programs than transformers compute with."""
    if (method := quantised_by(folder)) not in (None, "bitsandbytes"):
        raise UserError(
            f"{folder}: its weights are quantised ({method}), with which neither a training nor the engine transformers"
            " computes (allowed: other weights; for a teacher also engine: vllm, precision: source and a GPU)"
        )


def check_whole(folder: Path) -> None:
    """Raise UserError unless every file of a model folder is the file itself, and the weights are there to the end."""
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        check_no_pointer(file)
    read_json(folder / CONFIG)
    tensor_headers(folder)
    for file in sorted(folder.glob("pytorch_model*.bin")):
        if not weight_files(folder) and not is_zipfile(file):
            raise UserError(f"{file}: cut off, or not written by torch; fetch the model again")
