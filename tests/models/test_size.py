"""The size of NF4 models, estimated and counted from files, beside the weights of published models."""

import json
import struct
from pathlib import Path

import pytest
import torch
from published_models import MODELS, SHAPE
from transformers import AutoConfig, AutoModelForCausalLM

from tom.models.checkpoint_files import count_weights
from tom.models.language_models import convert_precision
from tom.models.model_checks import check_quantisable, empty_model
from tom.slurm.job_resources import NF4_GB, unquantised, weights_gb

pytestmark = pytest.mark.model


def write_headers(file: Path, parameters) -> None:
    """A safetensors file with the names and shapes of a model, and a hole in place of its weights."""
    document, end = {}, 0
    for name, parameter in parameters:
        start, end = end, end + 2 * parameter.numel()
        document[name] = {"dtype": "BF16", "shape": list(parameter.shape), "data_offsets": [start, end]}
    header = json.dumps(document).encode()
    with file.open("wb") as stream:
        stream.write(struct.pack("<Q", len(header)) + header)
        stream.truncate(8 + len(header) + end)


@pytest.fixture(params=MODELS)
def published(request, tmp_path):
    """A published model without its weights: its folder, its number of weights, and how many NF4 would leave."""
    number, model_type, shape, settings = MODELS[request.param]
    tokens = {"pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0}
    AutoConfig.for_model(model_type, **dict(zip(SHAPE, shape, strict=True)), **settings, **tokens).save_pretrained(
        tmp_path
    )
    model = empty_model(tmp_path)
    parameters = dict(model.named_parameters())
    assert sum(parameter.numel() for parameter in parameters.values()) == number
    linear = check_quantisable(tmp_path, model)
    write_headers(tmp_path / "model.safetensors", parameters.items())
    return tmp_path, number, number - sum(parameters[f"{name}.weight"].numel() for name in linear)


@pytest.mark.parametrize("compute_dtype", ["bfloat16", "float32"])
def test_an_estimate_is_no_less_than_a_published_model_and_what_is_counted_is_its_size(published, compute_dtype):
    folder, number, left = published
    true = (NF4_GB * (number - left) + {"bfloat16": 2, "float32": 4}[compute_dtype] * left) / 1e9
    model = {"precision": "nf4", "compute_dtype": compute_dtype, "billions": number / 1e9}
    assert true <= weights_gb(model) <= true + 5e-9 * number
    assert left / 1e9 <= unquantised(model)
    counted = count_weights(folder)
    assert counted["billions"] == pytest.approx(number / 1e9)
    assert counted["vocabulary"] == json.loads((folder / "config.json").read_text())["vocab_size"]
    assert weights_gb(model | counted) == pytest.approx(true, rel=0.002)


@pytest.mark.parametrize("compute_dtype", ["bfloat16", "float32"])
def test_the_files_of_a_converted_model_have_the_size_that_was_counted(tmp_path, compute_dtype):
    shape = dict(zip(SHAPE, (8192, 512, 2048, 2, 8, 8, 64), strict=True))
    config = AutoConfig.for_model("llama", **shape, tie_word_embeddings=False)
    AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(tmp_path / "came")
    from tiny_model import all_prompts, train_tokenizer

    train_tokenizer(all_prompts()[:9]).save_pretrained(tmp_path / "came")
    convert_precision(tmp_path / "came", tmp_path / "nf4", "nf4", compute_dtype)
    model = {"precision": "nf4", "compute_dtype": compute_dtype, "billions": 0.01}
    size = (tmp_path / "nf4" / "model.safetensors").stat().st_size
    assert weights_gb(model | count_weights(tmp_path / "came")) == pytest.approx(size / 1e9, rel=0.01)
    assert count_weights(tmp_path / "nf4") == {}


def test_weights_inside_another_model_are_counted_with_its_vocabulary(tmp_path):
    (tmp_path / "config.json").write_text(
        json.dumps({"text_config": {"vocab_size": 100, "vocab_size_per_layer_input": 96}})
    )
    shapes = {"text.embed": (100, 8), "text.per_layer": (96, 64), "text.up": (64, 8), "text.norm": (8,)}
    write_headers(tmp_path / "model.safetensors", [(name, torch.empty(shape)) for name, shape in shapes.items()])
    assert count_weights(tmp_path) == pytest.approx(
        {"billions": 7464e-9, "unquantised": (7464 - 512) * 1e-9, "vocabulary": 100}
    )
