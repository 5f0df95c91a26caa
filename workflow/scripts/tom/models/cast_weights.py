"""Weights at another floating-point type: on the CPU, one file after another, in the memory of the largest one.

A file whose tensors have that type already is linked and not written.
"""

import json
from collections.abc import Callable
from pathlib import Path

from tom.core.files import write_json
from tom.models.checkpoint_files import CONFIG, INDEX, WEIGHTS, require_unquantised, weight_files
from tom.models.model_folders import link_file, shown_files

FLOATS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""The types that are cast, as safetensors and as torch call them; integers stay as they are."""
OTHER_WEIGHTS = {".safetensors", ".bin", ".pth", ".pt", ".gguf", ".h5", ".msgpack", ".onnx"}
"""Endings of files that hold the same weights once more; they are left out."""


def cast_weights(source: Path, folder: Path, precision: str) -> None:
    """Fill `folder` with the model in `source`, whose weights are safetensors, at a type of torch such as bfloat16.

    Tensors keep their names; those that transformers keeps in float32 at 16 bits are float32. Errors: UserError if the
    weights are quantised.
    """
    config = json.loads((source / CONFIG).read_text())
    require_unquantised(source, precision)
    type_of = _type_by_name(source, precision)
    files = weight_files(source)
    for name in files:
        _cast_file(source / name, folder / name, type_of)
    write_json(folder / CONFIG, _with_type(config, precision) | {"dtype": precision})
    if files != [WEIGHTS]:
        index = json.loads((source / INDEX).read_text())
        size = sum(_tensor_bytes(folder / name) for name in files)
        write_json(folder / INDEX, index | {"metadata": index.get("metadata", {}) | {"total_size": size}})
    for name in shown_files(source):
        if str(name) not in (CONFIG, INDEX) and name.suffix not in OTHER_WEIGHTS:
            link_file(source / name, folder / name)


def _type_by_name(source: Path, precision: str) -> Callable[[str], str]:
    """The type that a tensor of this name has in transformers' model at a precision."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(source, local_files_only=True)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, precision))
    types = {name: str(tensor.dtype).removeprefix("torch.") for name, tensor in model.state_dict().items()}
    # These are set to float32 while a model is loaded, so the empty one does not show it.
    always_float32 = model._keep_in_fp32_modules_strict

    def type_of(name: str) -> str:
        return "float32" if any(part in name for part in always_float32) else types.get(name, precision)

    return type_of


def _cast_file(source: Path, target: Path, type_of: Callable[[str], str]) -> None:
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(source, "pt") as file:
        kinds = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118 it is no mapping
        wrong = {name for name, kind in kinds.items() if kind in FLOATS and FLOATS[kind] != type_of(name)}
        if not wrong:
            link_file(source, target)
            return
        tensors = {}
        for name in kinds:
            tensor = file.get_tensor(name)
            tensors[name] = tensor.to(getattr(torch, type_of(name))) if name in wrong else tensor
        target.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, target, file.metadata())


def _tensor_bytes(file: Path) -> int:
    """The size of a safetensors file without its header."""
    with file.open("rb") as stream:
        return file.stat().st_size - 8 - int.from_bytes(stream.read(8), "little")


def _with_type(section: dict, precision: str) -> dict:
    """A section of a configuration, in which every type that it or its sections name is this one."""
    names = {"dtype", "torch_dtype"}  # the latter in transformers 4
    found = {
        name: _with_type(value, precision) if isinstance(value, dict) else value
        for name, value in section.items()
        if name not in names
    }
    return found | {"dtype": precision} if names & section.keys() else found
