"""A GGUF holds a model's weights bit by bit and its tokenizer; what llama.cpp would read otherwise is refused."""

import json
import shutil
from pathlib import Path

import gguf
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from tom.core.errors import UserError
from tom.export.llama_gguf import BYTE_LEVEL, LLAMA_3, write_gguf
from tom.models.language_models import convert_precision
from tom.models.sources import convert_gguf

TEXT = "You lose $3.50, and they get 1234.\n\n  C or D?<|im_end|>naïve ½"


@pytest.fixture
def folder(tiny_folder, tmp_path) -> Path:
    """A copy of the tiny model that a test may edit."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "model"))


def edit(file: Path, **changes) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def metadata(file: Path) -> dict:
    return {name: field.contents() for name, field in gguf.GGUFReader(file).fields.items()}


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_the_projects_own_reader_reads_the_same_model(tiny_folder, tmp_path, precision):
    convert_precision(tiny_folder, tmp_path / "model", "float32" if precision == "float16" else precision, "float32")
    if precision == "float16":
        tensors = {name: tensor.half() for name, tensor in load_file(tmp_path / "model/model.safetensors").items()}
        (tmp_path / "model/model.safetensors").unlink()
        save_file(tensors, tmp_path / "model/model.safetensors", {"format": "pt"})
    write_gguf(tmp_path / "model", tmp_path / "model.gguf", "tiny")
    convert_gguf(tmp_path / "model.gguf", tmp_path / "back")
    given, back = load_file(tmp_path / "model/model.safetensors"), load_file(tmp_path / "back/model.safetensors")
    assert given.keys() == back.keys()
    assert all(torch.equal(given[name].float(), back[name]) for name in given)
    kinds = {
        tensor.tensor_type.name for tensor in gguf.GGUFReader(tmp_path / "model.gguf").tensors if len(tensor.shape) > 1
    }
    assert kinds == {{"float32": "F32", "bfloat16": "BF16", "float16": "F16"}[precision]}


def test_what_is_read_back_answers_and_splits_text_alike(folder, tmp_path):
    edit(folder / "config.json", rope_parameters={"rope_type": "default", "rope_theta": 5000.0})
    write_gguf(folder, tmp_path / "model.gguf", "tiny")
    convert_gguf(tmp_path / "model.gguf", tmp_path / "back")
    tokenizers = [AutoTokenizer.from_pretrained(place) for place in (folder, tmp_path / "back")]
    ids = [tokenizer(TEXT).input_ids for tokenizer in tokenizers]
    assert ids[0] == ids[1] and len(ids[0]) > 10
    assert tokenizers[0].chat_template == tokenizers[1].chat_template
    logits = [
        AutoModelForCausalLM.from_pretrained(place, dtype="auto")(torch.tensor(ids[:1])).logits
        for place in (folder, tmp_path / "back")
    ]
    assert torch.equal(*logits)


def test_queries_of_several_groups_are_rotated_back(tmp_path, tokenizer):
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=2, tie_word_embeddings=False, attention_bias=True, architectures=["LlamaForCausalLM"],
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    weights = load_file(tmp_path / "model/model.safetensors")
    bias = "model.layers.0.self_attn.q_proj.bias"
    save_file(weights | {bias: torch.arange(64.0)}, tmp_path / "model/model.safetensors", {"format": "pt"})
    write_gguf(tmp_path / "model", tmp_path / "model.gguf", "tiny")
    tensors = {tensor.name: tensor.data for tensor in gguf.GGUFReader(tmp_path / "model.gguf").tensors}
    assert "output.weight" in tensors
    # A head of 16 rows: its first and second half alternate.
    assert tensors["blk.0.attn_q.bias"][:4].tolist() == [0, 8, 1, 9]
    queries = torch.tensor(tensors["blk.0.attn_q.weight"].copy())
    assert torch.equal(queries[1], weights["model.layers.0.self_attn.q_proj.weight"][8])


def test_rows_of_the_embedding_without_a_token_are_named_and_unused(folder, tmp_path):
    weights = load_file(folder / "model.safetensors")
    name = "model.embed_tokens.weight"
    rows = weights[name].shape[0] + 2
    save_file(weights | {name: torch.zeros(rows, 64)}, folder / "model.safetensors", {"format": "pt"})
    edit(folder / "config.json", vocab_size=rows)
    write_gguf(folder, tmp_path / "model.gguf", "tiny")
    found = metadata(tmp_path / "model.gguf")
    assert found["tokenizer.ggml.tokens"][-2:] == [f"[PAD{rows - 2}]", f"[PAD{rows - 1}]"]
    assert found["tokenizer.ggml.token_type"][-1] == gguf.TokenType.UNUSED
    assert found["tokenizer.ggml.add_bos_token"] is False


@pytest.mark.parametrize(
    "steps, model, name",
    [
        ([BYTE_LEVEL | {"trim_offsets": False}], {}, "gpt-2"),
        ([{"type": "Digits", "individual_digits": True}, BYTE_LEVEL], {}, "smollm"),
        (
            [
                {"type": "Split", "pattern": {"Regex": LLAMA_3}, "behavior": "Isolated", "invert": False},
                BYTE_LEVEL | {"use_regex": False},
            ],
            {"ignore_merges": True},
            "llama-bpe",
        ),
    ],
)
def test_the_way_of_splitting_text_is_named(folder, tmp_path, steps, model, name):
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    edit(
        folder / "tokenizer.json",
        pre_tokenizer={"type": "Sequence", "pretokenizers": steps},
        model=tokenizer["model"] | model,
    )
    write_gguf(folder, tmp_path / "model.gguf", "tiny")
    assert metadata(tmp_path / "model.gguf")["tokenizer.ggml.pre"] == name


@pytest.mark.parametrize(
    "file, changes, named",
    [
        ("config.json", {"architectures": ["Qwen2ForCausalLM"]}, ["Qwen2ForCausalLM", "allowed: LlamaForCausalLM"]),
        (
            "config.json",
            {"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4}},
            ["llama3", "allowed: default"],
        ),
        (
            "tokenizer.json",
            {"pre_tokenizer": {"type": "Whitespace"}},
            ["Whitespace", "allowed: gpt-2, smollm, llama-bpe"],
        ),
        ("tokenizer.json", {"normalizer": {"type": "NFC"}}, ["tokenizer, ByteLevel"]),
        ("tokenizer.json", {"model": {"type": "BPE", "byte_fallback": True, "vocab": {}}}, ["SentencePiece"]),
    ],
)
def test_what_it_is_not_written_for_is_refused_by_name(folder, tmp_path, file, changes, named):
    edit(folder / file, **changes)
    with pytest.raises(UserError) as error:
        write_gguf(folder, tmp_path / "model.gguf", "tiny")
    assert all(word in str(error.value) for word in [str(folder), *named])
    assert not (tmp_path / "model.gguf").exists()


def test_a_tensor_that_no_llama_has_is_refused(folder, tmp_path):
    weights = load_file(folder / "model.safetensors")
    save_file(weights | {"model.experts.weight": torch.zeros(2, 2)}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match=r"model\.experts\.weight"):
        write_gguf(folder, tmp_path / "model.gguf", "tiny")
    assert not (tmp_path / "model.gguf").exists()
