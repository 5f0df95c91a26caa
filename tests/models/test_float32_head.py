"""Logits of models with weights of 16 bits: those of a float32 head over the model's own hidden states."""

import copy

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from tom.core.errors import UserError
from tom.models import float32_head
from tom.models.float32_head import Float32Head
from tom.models.language_models import load_model
from tom.models.packed_sequences import logits_and_cache, logits_at, logits_of_each, pack

SHAPE = {
    "vocab_size": 384,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "initializer_range": 0.2,
    "head_dim": 32,
}
# What each family does to the head's output.
FAMILIES = {
    "llama-tied": ("llama", {"tie_word_embeddings": True}, lambda logits: logits),
    "llama-untied": ("llama", {"tie_word_embeddings": False}, lambda logits: logits),
    "gemma2": ("gemma2", {"final_logit_softcapping": 5.0}, lambda logits: 5 * (logits / 5).tanh()),
    "cohere": ("cohere", {"logit_scale": 0.3}, lambda logits: 0.3 * logits),
    "granite": ("granite", {"logits_scaling": 7.0}, lambda logits: logits / 7),
    "phi": ("phi", {}, lambda logits: logits),  # its head has a bias
}
IDS = torch.tensor([[5, 80, 17, 300, 42, 9]])


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, tmp_path_factory):
    """A tiny model folder in bfloat16 and what its family does to logits."""
    kind, settings, transform = FAMILIES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **SHAPE, **settings))
        if kind == "phi":
            torch.nn.init.normal_(model.lm_head.bias)
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder, transform


def rounded_and_exact(folder, transform) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits that transformers gives, and those of the same hidden states in float64."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", attn_implementation="sdpa").eval()
    seen = []
    head = model.get_output_embeddings()
    head.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        rounded = model(IDS).logits
    bias = 0 if head.bias is None else head.bias.double()
    return rounded, transform(seen[0].double() @ head.weight.double().T + bias)


def test_they_are_those_of_exact_products_and_whatever_the_family_does_to_them(family):
    rounded, exact = rounded_and_exact(*family)
    model = load_model(family[0], "cpu")
    with torch.inference_mode():
        found = model(IDS).logits
    assert found.dtype == torch.float32 and model.dtype == torch.bfloat16
    assert (found - exact).abs().max() < 1e-5
    assert (rounded - exact).abs().max() > 1e-3
    assert not torch.equal(found.bfloat16().float(), found)


def test_training_scoring_and_gauss_newton_read_them(family):
    model = load_model(family[0], "cpu")
    trie = pack([tuple(IDS[0].tolist())])
    nodes = list(range(len(trie.tokens)))
    with torch.inference_mode():
        expected = model(IDS).logits[0]
        found = [
            logits_at(model, trie, nodes),
            logits_and_cache(model, trie, nodes)[0],
            logits_of_each(model, [trie], nodes)[0],
        ]
    for logits in found:
        assert logits.dtype == torch.float32
        # Hidden states have 16 bits, and another mask gives them other last bits.
        assert (logits - expected).abs().max() < 0.05


def test_the_vocabulary_in_parts_gives_the_same_logits(family, monkeypatch):
    model = load_model(family[0], "cpu")
    with torch.inference_mode():
        whole = model(IDS).logits
        monkeypatch.setattr(float32_head, "ROWS", 100)
        assert (model(IDS).logits - whole).abs().max() < 1e-5


def test_weights_stay_as_they_are_and_shared(family, tmp_path):
    model = load_model(family[0], "cpu")
    plain = AutoModelForCausalLM.from_pretrained(family[0], dtype="auto")
    with torch.inference_mode():
        model(IDS)
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), plain.parameters(), strict=True))
    assert model.state_dict().keys() == plain.state_dict().keys()
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert tied == model.config.tie_word_embeddings
    model.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == (family[0] / "model.safetensors").read_bytes()


@pytest.mark.parametrize("autocast", [False, True])
def test_the_gradient_is_that_of_a_float32_product(autocast, monkeypatch):
    monkeypatch.setattr(float32_head, "ROWS", 100)
    head = torch.nn.Linear(64, 384, dtype=torch.bfloat16)
    plain = copy.deepcopy(head).float()
    head.__class__ = Float32Head
    values = torch.randn(3, 5, 64, generator=torch.Generator().manual_seed(0)).bfloat16()
    found, expected = values.clone().requires_grad_(), values.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        logits = head(found)
    reference = plain(expected.float())
    assert (logits - reference).abs().max() < 1e-5
    weights = torch.randn(logits.shape, generator=torch.Generator().manual_seed(1))
    for output in (logits, reference):
        (output * weights).sum().backward()
    assert found.grad.dtype == torch.bfloat16
    # Sums in another order may round to the neighbouring bfloat16 number.
    assert torch.allclose(found.grad.float(), expected.grad.float(), rtol=2**-7)


def test_a_head_of_float32_is_left_alone(tiny_folder, nf4_folder):
    for folder in (tiny_folder, nf4_folder):
        assert type(load_model(folder, "cpu").get_output_embeddings()) is torch.nn.Linear


def test_logits_that_a_model_has_rounded_are_refused(family):
    model = AutoModelForCausalLM.from_pretrained(family[0], dtype="auto")
    trie = pack([(5, 80, 17)])
    with torch.inference_mode(), pytest.raises(UserError, match=r"rounds its logits to bfloat16.*precision: float32"):
        logits_at(model, trie, [2])
