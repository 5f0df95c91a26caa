"""Ways to attend to shared prompts other than a dense mask (docs/decisions.md): each has the gradient of the pack."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch.nn.attention import flex_attention
from transformers import DynamicCache
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from tom.models.language_models import load_model
from tom.models.packed_sequences import Trie, logits_at, pack, predictions

PROMPT = 150  # tokens, more than a block of flex_attention


@pytest.fixture(scope="module")
def replies(tokenizer) -> list[tuple[int, ...]]:
    """Four replies of two lengths to one prompt; the last begins as the third does."""
    draw = torch.Generator().manual_seed(1)
    prompt, *tails = [
        tuple(torch.randint(3, len(tokenizer), (size,), generator=draw).tolist()) for size in (PROMPT, 20, 9, 20, 11)
    ]
    tails[3] = tails[2][:9] + tails[3]
    return [prompt + tail for tail in tails]


@pytest.fixture
def model(tiny_folder):
    torch.manual_seed(0)
    adapted = get_peft_model(
        load_model(tiny_folder, "cpu"), LoraConfig(target_modules="all-linear", init_lora_weights=False)
    )
    adapted.eval()
    return adapted


def weighted(logits: torch.Tensor, targets: list[int], weight: float) -> torch.Tensor:
    """The part of the loss that one reply's tokens give."""
    return -weight * logits.log_softmax(-1)[range(len(targets)), targets].sum()


def gradient(model, loss: torch.Tensor) -> torch.Tensor:
    """The gradient of the adapter's weights, as one row."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    return torch.cat([part.flatten() for part in torch.autograd.grad(loss, weights)])


def packed_loss(model, replies) -> torch.Tensor:
    trie = pack(replies)
    asked = [predictions(trie, row, PROMPT) for row in range(len(replies))]
    logits = logits_at(model, trie, [node for nodes, _ in asked for node in nodes])
    parts = logits.split([len(nodes) for nodes, _ in asked])
    return sum(weighted(part, targets, 1 + row) for row, (part, (_, targets)) in enumerate(zip(parts, asked)))


def close(found: torch.Tensor, expected: torch.Tensor) -> bool:
    return bool((found - expected).norm() < 1e-5 * expected.norm())


def test_replies_as_rows_behind_the_cache_of_their_prompt_have_the_gradient_of_the_pack(model, replies):
    expected = gradient(model, packed_loss(model, replies))
    longest = max(map(len, replies))
    rows = torch.tensor([reply + (0,) * (longest - len(reply)) for reply in replies])
    # All but the prompt's last token, which predicts the first of each reply.
    prompt = model(input_ids=rows[:1, : PROMPT - 1], use_cache=True).past_key_values
    cache = DynamicCache()
    for number, layer in enumerate(prompt.layers):
        cache.update(*(states.expand(len(rows), -1, -1, -1) for states in (layer.keys, layer.values)), number)
    logits = model(input_ids=rows[:, PROMPT - 1 :], past_key_values=cache).logits.float()
    loss = sum(weighted(logits[row], list(reply[PROMPT:]), 1 + row) for row, reply in enumerate(replies))
    assert close(gradient(model, loss), expected)


def test_the_mask_as_a_function_of_two_indices_has_the_gradient_of_the_dense_one(model, replies, monkeypatch):
    """By torch's reference of flex_attention, whose backward pass works on a CPU, though torch refuses it there."""
    expected = gradient(model, packed_loss(model, replies))
    (number, last), size = pack(replies).spans, len(pack(replies).tokens)

    def sees(_, __, row, column):
        return (number[column] <= number[row]) & (number[row] <= last[column])

    blocks = flex_attention.create_block_mask(sees, None, None, size, size, device="cpu")

    def attend(module, query, key, value, attention_mask, scaling, **options):
        assert attention_mask.all()
        states = flex_attention.flex_attention(query, key, value, block_mask=blocks, scale=scaling, enable_gqa=True)
        return states.transpose(1, 2).contiguous(), None

    monkeypatch.setattr(flex_attention, "_validate_device", lambda *states: None)
    monkeypatch.setitem(ALL_ATTENTION_FUNCTIONS._global_mapping, "sdpa", attend)
    monkeypatch.setattr(Trie, "visible", lambda *_: torch.ones(size, size, dtype=torch.bool))
    assert close(gradient(model, packed_loss(model, replies)), expected)
