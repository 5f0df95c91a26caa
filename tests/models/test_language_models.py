"""Precisions: saved and reloaded models have the same bits, and compute at the type that was set."""

import json

import bitsandbytes as bnb
import pytest
import torch
from safetensors import safe_open
from tiny_model import make_tiny_adapter
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from tom.core.files import atomic_folder
from tom.models.language_models import (
    _keep_weights_unpacked,
    change_adapter,
    convert_precision,
    load_model,
    load_tokenizer,
    merge_adapter,
)
from tom.models.model_folders import check_is_model
from tom.prompts.chat import prompt_ids

LINEAR_LAYERS = 2 * 7  # in the tiny model


@pytest.fixture(scope="module")
def ids(tokenizer) -> torch.Tensor:
    messages = [{"role": "system", "content": "Choose C or D."}, {"role": "user", "content": "Which do you choose?"}]
    return torch.tensor([prompt_ids(tokenizer, messages)])


def logits(model, ids) -> torch.Tensor:
    with torch.inference_mode():
        return model(input_ids=ids).logits


def quantised_layers(model) -> list:
    return [module for module in model.modules() if isinstance(module, bnb.nn.Linear4bit)]


def test_a_reloaded_nf4_folder_gives_the_logits_of_the_freshly_quantised_model(tiny_folder, nf4_folder, ids):
    settings = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype="float32",
    )
    fresh = AutoModelForCausalLM.from_pretrained(
        tiny_folder, quantization_config=settings, dtype=torch.float32, device_map={"": "cpu"}
    ).eval()
    _keep_weights_unpacked(fresh)
    assert torch.equal(logits(load_model(nf4_folder, "cpu"), ids), logits(fresh, ids))


@pytest.mark.parametrize("adapted", [False, True], ids=["bare", "adapter"])
def test_the_bfloat16_kernel_stays_off_on_every_layer(nf4_folder, adapter_folder, ids, adapted):
    model = load_model(nf4_folder, "cpu", adapter_folder if adapted else None)
    for _ in range(2):  # before and after the first forward pass, which is when weights would be packed
        layers = quantised_layers(model)
        assert len(layers) == LINEAR_LAYERS
        assert [layer.support_avx512bf16_for_cpu for layer in layers] == [False] * LINEAR_LAYERS
        logits(model, ids)


def test_an_nf4_layer_computes_in_float32_with_its_dequantised_weights(nf4_folder):
    for layer in quantised_layers(load_model(nf4_folder, "cpu")):
        weights = bnb.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
        inputs = torch.randn(5, layer.in_features, generator=torch.Generator().manual_seed(0))
        expected = inputs @ weights.T
        with torch.inference_mode():
            found = layer(inputs)
        assert found.dtype == torch.float32
        assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


def test_a_gradient_passes_through_nf4_layers(nf4_folder, adapter_folder, ids):
    model = load_model(nf4_folder, "cpu", adapter_folder)
    adapters = [parameter.requires_grad_() for name, parameter in model.named_parameters() if "lora_" in name]
    model(input_ids=ids).logits.logsumexp(-1).sum().backward()
    assert len(adapters) == 2 * LINEAR_LAYERS
    assert all(parameter.grad.abs().sum() > 0 for parameter in adapters)


def test_nf4_moves_the_logits_but_not_far(tiny_folder, nf4_folder, ids):
    exact, quantised = (
        logits(load_model(folder, "cpu"), ids)[0].log_softmax(-1) for folder in (tiny_folder, nf4_folder)
    )
    difference = (exact - quantised).abs().mean()
    assert 0.01 < difference < 1


@pytest.mark.parametrize("precision", ["float32", "nf4"])
def test_a_model_with_another_adapter_is_bit_equal_to_one_loaded_with_it(
    request, adapter_folder, ids, tmp_path, precision
):
    folder = request.getfixturevalue("tiny_folder" if precision == "float32" else "nf4_folder")
    other = make_tiny_adapter(folder, tmp_path / "other", seed=1)
    expected = {adapter: logits(load_model(folder, "cpu", adapter), ids) for adapter in (None, adapter_folder, other)}
    assert not torch.equal(expected[adapter_folder], expected[other])
    model, adapter = load_model(folder, "cpu"), None
    for new in (adapter_folder, other, None, other):
        model, adapter = change_adapter(model, adapter, new), new
        assert torch.equal(logits(model, ids), expected[new])


@pytest.mark.parametrize("precision", ["float32", "nf4"])
def test_a_reloaded_adapter_is_bit_equal(request, adapter_folder, ids, tmp_path, precision):
    folder = request.getfixturevalue("tiny_folder" if precision == "float32" else "nf4_folder")
    model = load_model(folder, "cpu", adapter_folder)
    model.save_pretrained(tmp_path)
    again = load_model(folder, "cpu", tmp_path)
    assert torch.equal(logits(model, ids), logits(again, ids))
    assert not torch.equal(logits(load_model(folder, "cpu"), ids), logits(again, ids))


def test_a_loaded_model_is_deterministic_and_not_in_training(nf4_folder, adapter_folder, ids):
    model = load_model(nf4_folder, "cpu", adapter_folder)
    assert not any(module.training for module in model.modules())
    assert torch.equal(logits(model, ids), logits(model, ids))


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "nf4"])
def test_a_converted_folder_is_a_whole_model_at_its_precision(tiny_folder, tmp_path, precision, ids):
    with atomic_folder(tmp_path / "model") as temporary:
        convert_precision(tiny_folder, temporary, precision, "float32")
    check_is_model(tmp_path / "model")
    model = load_model(tmp_path / "model", "cpu")
    assert model.dtype == (torch.bfloat16 if precision == "bfloat16" else torch.float32)
    assert len(quantised_layers(model)) == (LINEAR_LAYERS if precision == "nf4" else 0)
    if precision == "float32":
        assert torch.equal(logits(model, ids), logits(load_model(tiny_folder, "cpu"), ids))


def test_a_conversion_keeps_the_tokenizer(tiny_folder, nf4_folder):
    one, other = load_tokenizer(tiny_folder), load_tokenizer(nf4_folder)
    assert one.get_vocab() == other.get_vocab()
    assert one.chat_template == other.chat_template
    assert one.eos_token == other.eos_token == "<|im_end|>"


def test_nf4_weights_are_doubly_quantised_on_disk(nf4_folder):
    with safe_open(nf4_folder / "model.safetensors", "pt") as weights:
        names = set(weights.keys())
        packed = weights.get_tensor("model.layers.0.mlp.up_proj.weight")
    assert packed.dtype == torch.uint8 and packed.numel() == 64 * 128 // 2
    assert "model.layers.0.mlp.up_proj.weight.nested_absmax" in names
    settings = json.loads((nf4_folder / "config.json").read_text())["quantization_config"]
    assert (settings["bnb_4bit_quant_type"], settings["bnb_4bit_compute_dtype"]) == ("nf4", "float32")


def test_converting_twice_gives_the_same_bytes(tiny_folder, nf4_folder, tmp_path):
    convert_precision(tiny_folder, tmp_path, "nf4", "float32")
    for file in nf4_folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


@pytest.mark.parametrize("precision", ["float32", "nf4"])
def test_a_merged_copy_answers_as_the_adapter_beside_the_weights(request, adapter_folder, ids, tmp_path, precision):
    folder = request.getfixturevalue("tiny_folder" if precision == "float32" else "nf4_folder")
    merge_adapter(folder, adapter_folder, tmp_path)
    merged = load_model(tmp_path, "cpu")
    assert not quantised_layers(merged)
    assert "quantization_config" not in json.loads((tmp_path / "config.json").read_text())
    found, expected, bare = (
        logits(model, ids)[0].log_softmax(-1)
        for model in (merged, load_model(folder, "cpu", adapter_folder), load_model(folder, "cpu"))
    )
    assert (found - expected).abs().max() < 1e-4 < (bare - expected).abs().max()
    check_is_model(tmp_path)
