"""What was asked of a model is compared with what it is, before its weights are loaded and when they are."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from tom.core.errors import UserError
from tom.models.language_models import convert_precision, load_model, require_usable
from tom.models.model_checks import check_loaded, check_quantisable, check_room, check_target_modules, empty_model

UP = "model.layers.1.mlp.up_proj.weight"
WRONG_WEIGHTS = {
    "compiled": (
        lambda held: {f"_orig_mod.{name}": tensor for name, tensor in held.items()},
        ["lack lm_head.weight", "drawn at random", "begin with '_orig_mod.': save"],
    ),
    "of PEFT's wrapper": (
        lambda held: {f"base_model.model.{name}": tensor for name, tensor in held.items()},
        ["begin with 'base_model.model.': save", "more"],
    ),
    "one missing": (lambda held: {name: held[name] for name in held if name != UP}, [f"lack {UP}, which would"]),
    "one more": (
        lambda held: held | {"value_head.weight": torch.zeros(2)},
        ["have value_head.weight, which the model"],
    ),
    "a layer more": (
        lambda held: held | {UP.replace("1", "2"): held[UP].clone()},
        ["model.layers.2.mlp.up_proj.weight, which the model has no place for"],
    ),
    "another shape": (
        lambda held: held | {"model.norm.weight": torch.ones(3)},
        ["have model.norm.weight as (3,), the model as (64,)"],
    ),
    "no embeddings": (
        lambda held: {name: held[name] for name in held if "embed" not in name},
        ["lm_head.weight, model.embed_tokens.weight"],
    ),
}


@pytest.fixture
def changed(tiny_folder, tmp_path):
    """A copy of the tiny model whose weights a function has changed."""

    def make(change):
        shutil.copytree(tiny_folder, tmp_path / "changed")
        file = tmp_path / "changed" / "model.safetensors"
        save_file(change(load_file(file)), file, {"format": "pt"})
        return tmp_path / "changed"

    return make


@pytest.mark.parametrize("case", WRONG_WEIGHTS)
@pytest.mark.parametrize("use", ["loaded", "converted", "unread"])
def test_weights_that_are_not_the_models_are_refused_in_one_line(changed, tmp_path, case, use):
    change, said = WRONG_WEIGHTS[case]
    folder = changed(change)
    with pytest.raises(UserError) as caught:
        if use == "loaded":
            load_model(folder, "cpu")
        elif use == "converted":
            convert_precision(folder, tmp_path / "nf4", "nf4", "float32")
        else:
            (folder / "model.safetensors").write_bytes(header_alone(folder / "model.safetensors"))
            require_usable(folder)
    assert str(caught.value).startswith(f"{folder}: its weights ")
    assert all(part in str(caught.value) for part in said), str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def header_alone(file) -> bytes:
    """The file with zeros for weights: what is refused by names and shapes was refused without a number."""
    content = file.read_bytes()
    length = 8 + int.from_bytes(content[:8], "little")
    return content[:length] + bytes(len(content) - length)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_cast_does_not_hide_that_a_weight_is_missing(changed, tmp_path, precision):
    with pytest.raises(UserError, match=f"lack {UP}"):
        convert_precision(
            changed(lambda held: {name: held[name] for name in held if name != UP}), tmp_path, precision, "float32"
        )


def test_a_tied_head_counts_as_there_and_nf4_weights_as_their_own(tiny_folder, nf4_folder):
    assert "lm_head.weight" not in load_file(tiny_folder / "model.safetensors")
    for folder in (tiny_folder, nf4_folder):
        require_usable(folder)
        load_model(folder, "cpu")


def test_what_transformers_reports_of_a_load_is_read():
    clean = {"missing_keys": set(), "unexpected_keys": set(), "mismatched_keys": set(), "error_msgs": []}
    check_loaded("folder", clean)
    with pytest.raises(UserError, match=r"^folder: its weights lack a, b, c and 1 more, which .*, and have x,"):
        check_loaded("folder", clean | {"missing_keys": {"d", "a", "c", "b"}, "unexpected_keys": {"x"}})


def test_an_adapter_with_other_layers_than_its_model_is_refused(tiny_folder, adapter_folder, tmp_path):
    shutil.copytree(adapter_folder, tmp_path / "adapter")
    file = tmp_path / "adapter" / "adapter_model.safetensors"
    held = load_file(file)
    del held["base_model.model.model.layers.0.mlp.up_proj.lora_B.weight"]
    save_file(held, file, {"format": "pt"})
    with pytest.raises(UserError, match=r"adapter has 27 weights, and the model takes 28 .*up_proj\.lora_B"):
        load_model(tiny_folder, "cpu", tmp_path / "adapter")


SMALL = {
    "vocab_size": 64,
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "num_experts": 4,
    "num_local_experts": 4,
    "moe_intermediate_size": 64,
    "pad_token_id": 0,
}


def family(folder, model_type, **changes):
    """A model of another family, empty but for its configuration."""
    config = AutoConfig.for_model(model_type, **{**SMALL, **changes})
    config.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    "model_type", ["llama", "gemma2", "gemma3_text", "mistral", "qwen3", "phi3", "gpt2", "gpt_neox", "olmo2", "cohere"]
)
def test_dense_families_become_nf4_as_a_whole(tmp_path, model_type):
    model = empty_model(family(tmp_path, model_type))
    layers = check_quantisable(tmp_path, model)
    assert len(layers) >= 2 * 4 and not any(name.startswith("lm_head") for name in layers)


@pytest.mark.parametrize(
    ("model_type", "left"),
    [("mixtral", "experts"), ("qwen2_moe", "experts"), ("qwen3_moe", "experts"), ("falcon", "query_key_value")],
)
def test_families_that_nf4_would_leave_as_they_are_are_refused_with_the_share(tmp_path, model_type, left):
    with pytest.raises(UserError, match=rf"nf4 would quantise \d+ linear layers and leave \d+ % .*{left}.*bfloat16"):
        check_quantisable(tmp_path, empty_model(family(tmp_path, model_type)))


def test_fused_experts_are_refused_before_they_are_quantised(tmp_path):
    model = AutoModelForCausalLM.from_config(empty_model(family(tmp_path / "config", "mixtral")).config)
    model.save_pretrained(tmp_path / "mixtral")
    with pytest.raises(UserError, match="nf4 would quantise"):
        convert_precision(tmp_path / "mixtral", tmp_path / "nf4", "nf4", "float32")
    require_usable(tmp_path / "mixtral")  # whose fused experts are made of the file's single ones
    assert not (tmp_path / "nf4").exists()


@pytest.mark.parametrize(
    ("model_type", "said"),
    [
        ("bloom", "is a BloomForCausalLM, which transformers does not compute with SDPA"),
        ("gpt_oss", "is a GptOssForCausalLM"),
        ("qwen3_next", "layers of the kind linear_attention"),
        ("granitemoehybrid", "layers of the kind"),
        ("lfm2", "layers of the kind conv"),
        ("mamba", "layers of the kind"),
        ("recurrent_gemma", "layers of the kind"),
        ("llama4_text", "layers of the kind chunked_attention"),
    ],
)
def test_families_that_a_packed_pass_can_not_serve_are_refused_in_one_line(tmp_path, model_type, said):
    kinds = {"layer_types": ["conv", "full_attention"], "num_hidden_layers": 2} if model_type == "lfm2" else {}
    AutoConfig.for_model(model_type, **kinds).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=said) as caught:
        require_usable(tmp_path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "nobody-knows"},
        {},
        {"model_type": "new", "auto_map": {"AutoConfig": "configuration_new.NewConfig"}},
    ],
)
def test_models_that_transformers_does_not_know_are_refused_in_one_line(tmp_path, config):
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"can't use its config\.json") as caught:
        empty_model(tmp_path)
    assert len(str(caught.value).splitlines()) == 1


def test_weights_that_others_quantised_are_refused_by_their_method(tiny_folder, tmp_path):
    shutil.copytree(tiny_folder, tmp_path / "gptq")
    config = json.loads((tiny_folder / "config.json").read_text())
    (tmp_path / "gptq" / "config.json").write_text(
        json.dumps(config | {"quantization_config": {"quant_method": "gptq"}})
    )
    with pytest.raises(UserError, match=r"quantised \(gptq\), with which neither .*engine: vllm"):
        load_model(tmp_path / "gptq", "cpu")
    with pytest.raises(UserError, match=r"quantised \(gptq\) and do not become nf4"):
        convert_precision(tmp_path / "gptq", tmp_path / "nf4", "nf4", "float32")


def test_target_modules_are_found_by_name(tiny_folder, nf4_folder):
    for model in (empty_model(tiny_folder), load_model(nf4_folder, "cpu")):
        for names in ("all-linear", ["q_proj"], ["q_proj", "v_proj"], ["self_attn.k_proj"], ["layers.1.mlp.up_proj"]):
            check_target_modules(model, names)
        with pytest.raises(UserError) as caught:
            check_target_modules(model, ["q_proj", "v_porj", "proj"])
        assert str(caught.value) == (
            "training.target_modules: the model has no layer v_porj, proj that LoRA adapts (allowed: all-linear, or of"
            " down_proj, embed_tokens, gate_proj, k_proj, lm_head, o_proj, q_proj, up_proj, v_proj)"
        )


@pytest.mark.parametrize("model_type", ["llama", "gpt2", "gpt_neox", "gemma3_text"])
def test_a_prompt_that_the_model_has_no_positions_for_is_refused_with_both_numbers(tmp_path, model_type):
    folder = family(tmp_path, model_type)
    check_room(folder, [3, 64])
    with pytest.raises(UserError, match=r"takes up to 65 tokens, and the model has 64 positions"):
        check_room(folder, [3, 65, 64])


def test_a_packed_pass_needs_a_window_as_long_as_its_prompt(tmp_path):
    folder = family(tmp_path, "mistral", sliding_window=32)
    check_room(folder, [64], packed=False)
    check_room(folder, [32])
    with pytest.raises(UserError, match=r"takes up to 33 tokens, and the model attends to 32 tokens at a time"):
        check_room(folder, [33])
    (tmp_path / "config.json").write_text('{"model_type": "bloom"}')
    check_room(tmp_path, [10**6])
