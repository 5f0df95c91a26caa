"""Casting file by file: the tensors that transformers would write, and no byte written that is there already."""

import json
import shutil

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from tom.core.errors import UserError
from tom.models.cast_weights import cast_weights
from tom.models.checkpoint_files import weight_files
from tom.models.language_models import convert_precision, load_model
from tom.models.model_folders import check_is_model, hash_folder

SHAPE = {
    "vocab_size": 384,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}
EXPERTS = {"moe_intermediate_size": 32, "num_experts_per_tok": 2, "num_experts": 4}
DEEPSEEK = {
    "n_routed_experts": 4,
    "n_group": 2,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "moe_intermediate_size": 32,
}
DEEPSEEK |= {"q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 16, "qk_nope_head_dim": 16, "v_head_dim": 32}
FAMILIES = {
    "tied": ("llama", {"tie_word_embeddings": True}),
    "untied": ("llama", {"tie_word_embeddings": False}),
    "gemma2": ("gemma2", {"head_dim": 32}),
    "experts": ("qwen3_moe", EXPERTS),
    "float32-bias": ("deepseek_v3", DEEPSEEK | {"num_experts_per_tok": 2}),
}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, tmp_path_factory):
    """A model folder in float32, in several files."""
    kind, settings = FAMILIES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **SHAPE, **settings))
    model.save_pretrained(folder, max_shard_size="200KB")
    (folder / "tokenizer_config.json").write_text("{}")
    assert len(weight_files(folder)) > 1
    return folder


def tensors(folder) -> dict[str, torch.Tensor]:
    """All tensors of a model folder, by name."""
    return {name: tensor for file in weight_files(folder) for name, tensor in load_file(folder / file).items()}


def by_transformers(source, folder, precision):
    """A folder with the same model as transformers loads and saves it at a precision."""
    AutoModelForCausalLM.from_pretrained(source, dtype=getattr(torch, precision)).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("first", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_the_tensors_are_those_that_transformers_saves(family, tmp_path, first, precision):
    source = family if first == "float32" else by_transformers(family, tmp_path / "source", first)
    expected = by_transformers(source, tmp_path / "expected", precision)
    cast_weights(source, tmp_path / "cast", precision)
    found, wanted = tensors(tmp_path / "cast"), tensors(expected)
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert found[name].dtype == tensor.dtype, name
        assert torch.equal(found[name], tensor), name
    one, other = (json.loads((folder / "config.json").read_text()) for folder in (tmp_path / "cast", expected))
    assert one == other
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "cast", dtype="auto").dtype == getattr(torch, precision)


def test_an_index_fits_its_files(family, tmp_path):
    cast_weights(family, tmp_path / "cast", "bfloat16")
    check_is_model(tmp_path / "cast")
    index = json.loads((tmp_path / "cast/model.safetensors.index.json").read_text())
    assert index["weight_map"] == json.loads((family / "model.safetensors.index.json").read_text())["weight_map"]
    assert index["metadata"]["total_size"] == sum(tensor.nbytes for tensor in tensors(tmp_path / "cast").values())
    for name in weight_files(family):
        with safe_open(tmp_path / "cast" / name, "pt") as file:
            assert file.metadata() == {"format": "pt"}


def test_files_of_that_type_are_linked_and_not_written(family, tmp_path):
    cast_weights(family, tmp_path / "cast", "float32")
    for name in weight_files(family):
        assert (tmp_path / "cast" / name).resolve() == (family / name).resolve()
    once = by_transformers(family, tmp_path / "once", "bfloat16")
    mixed = tmp_path / "mixed"
    shutil.copytree(family, mixed)
    first = weight_files(mixed)[0]
    half = {name: tensor.bfloat16() for name, tensor in load_file(mixed / first).items()}
    save_file(half, mixed / first, {"format": "pt"})
    cast_weights(mixed, tmp_path / "again", "bfloat16")
    linked = [name for name in weight_files(mixed) if (tmp_path / "again" / name).is_symlink()]
    assert linked == ([] if any("e_score" in name for name in half) else [first])
    assert all(torch.equal(tensors(tmp_path / "again")[name], tensor) for name, tensor in tensors(once).items())


def test_the_source_is_left_as_it_was(family, tmp_path):
    before = hash_folder(family)
    cast_weights(family, tmp_path / "cast", "bfloat16")
    assert hash_folder(family) == before


def test_no_file_is_loaded_by_transformers_or_put_on_a_gpu(tiny_folder, tmp_path, monkeypatch):
    def refuse(*words, **named):
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", refuse)
    convert_precision(tiny_folder, tmp_path, "bfloat16", "float32", device="cuda")
    assert {tensor.dtype for tensor in tensors(tmp_path).values()} == {torch.bfloat16}


def test_other_files_are_linked_and_the_same_weights_once_more_are_left_out(tiny_folder, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(tiny_folder, source)
    (source / "original").mkdir()
    for name in ("pytorch_model.bin", "consolidated.safetensors", "original/consolidated.00.pth", "notes.txt"):
        (source / name).write_bytes(b"content")
    settings = json.loads((source / "config.json").read_text())
    settings |= {"torch_dtype": settings.pop("dtype"), "more": {"torch_dtype": "float32", "size": 3}}
    (source / "config.json").write_text(json.dumps(settings))
    cast_weights(source, tmp_path / "cast", "bfloat16")
    names = set(hash_folder(tmp_path / "cast"))
    assert names == set(hash_folder(tiny_folder)) | {"notes.txt"}
    assert (tmp_path / "cast/tokenizer.json").resolve() == source / "tokenizer.json"
    found = json.loads((tmp_path / "cast/config.json").read_text())
    assert found["dtype"] == "bfloat16" and found["more"] == {"dtype": "bfloat16", "size": 3}
    assert "torch_dtype" not in found
    load_model(tmp_path / "cast", "cpu")


def test_integers_stay_as_they_are(tiny_folder, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(tiny_folder, source)
    places = torch.arange(10)
    save_file(load_file(source / "model.safetensors") | {"places": places}, source / "model.safetensors")
    cast_weights(source, tmp_path / "cast", "bfloat16")
    assert torch.equal(tensors(tmp_path / "cast")["places"], places)


def test_quantised_weights_are_refused(nf4_folder, tmp_path):
    with pytest.raises(
        UserError, match=r"quantised \(bitsandbytes\) and do not become bfloat16 .*or precision: source"
    ):
        cast_weights(nf4_folder, tmp_path, "bfloat16")
    assert not list(tmp_path.iterdir())


def test_weights_that_are_no_safetensors_are_converted_by_transformers(tiny_folder, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(tiny_folder, source)
    torch.save(load_file(source / "model.safetensors"), source / "pytorch_model.bin")
    (source / "model.safetensors").unlink()
    convert_precision(source, tmp_path / "converted", "bfloat16", "float32")
    expected = by_transformers(tiny_folder, tmp_path / "expected", "bfloat16")
    assert (tmp_path / "converted/model.safetensors").read_bytes() == (expected / "model.safetensors").read_bytes()
