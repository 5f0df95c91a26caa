"""Training from scratch: what each token weighs in the loss, and that a seed gives the same weights."""

from dataclasses import replace

import pytest
import torch
from made_replies import is_well_formed
from shipped_pair import shipped_folder, shipped_lessons
from tiny_lessons import ROLES, TinyRole
from tiny_tokenizer import SPECIAL, train_tokenizer
from tiny_training import ALL_TOKENS, FIRST_TOKEN, TinyRecipe, new_model, pack_example, train

from tom.models.language_models import load_tokenizer
from tom.prompts.chat import exchange
from tom.prompts.prompts import CHOICE, CHOICE_FIRST
from tom.training.objective import batch_loss

SMALL = TinyRole(layers=1, intermediate=64, awkward=0.0, epochs=1)


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(shipped_folder("teacher"))


@pytest.fixture(scope="module")
def examples():
    return shipped_lessons("teacher")


def first_of(examples, form):
    return next(example for example in examples if example.form == form)


def test_the_weights_of_a_prompt_and_its_replies_sum_to_one_reply_and_a_share_of_all_tokens(tokenizer, examples):
    for form in (CHOICE, CHOICE_FIRST):
        weights = pack_example(tokenizer, first_of(examples, form)).packs[0].weights
        assert weights.sum().item() == pytest.approx(1 + ALL_TOKENS)
        assert weights.min() > 0


def test_the_letters_share_the_weight_of_a_first_token_at_the_taught_rate(tokenizer, examples):
    example = first_of(examples, CHOICE_FIRST)
    (whole,) = pack_example(tokenizer, example).packs
    prompt = exchange(tokenizer, example.messages, "C").prompt
    node = next(node for node in whole.nodes if whole.trie.depth[node] == len(prompt) - 1)
    here = {
        tokenizer.decode([target]): weight
        for place, target, weight in zip(whole.nodes, whole.targets.tolist(), whole.weights.tolist(), strict=True)
        if place == node
    }
    assert here["C"] / (here["C"] + here["D"]) == pytest.approx(example.rate)
    rest = [weight for place, weight in zip(whole.nodes, whole.weights.tolist(), strict=True) if place > node]
    assert sum(here.values()) > FIRST_TOKEN / 2 * sum(rest) / len(rest)


def test_the_loss_is_that_of_the_replies_run_one_by_one(tokenizer, examples):
    """With one reply nothing is shared, so the weighted mean can be written down token by token."""
    example = first_of(examples, CHOICE_FIRST)
    reply = next(text for text, _ in example.replies if is_well_formed(example.form, text))
    example = replace(example, replies=((reply, 1.0),))
    model = new_model(SMALL, tokenizer, seed=0)
    row = exchange(tokenizer, example.messages, reply)
    ids = torch.tensor([row.prompt + row.reply])
    with torch.no_grad():
        losses = torch.nn.functional.cross_entropy(model(input_ids=ids).logits[0, :-1], ids[0, 1:], reduction="none")
        of_reply = losses[len(row.prompt) - 1 :]
        emphasis = torch.ones(len(row.reply))
        emphasis[0] = FIRST_TOKEN
        expected = (of_reply * emphasis).sum() / emphasis.sum() + ALL_TOKENS * losses.mean()
        assert batch_loss(model, pack_example(tokenizer, example)) == pytest.approx(
            expected.item() / (1 + ALL_TOKENS), rel=1e-5
        )


def test_a_seed_gives_the_same_weights_and_another_seed_others(tokenizer, examples):
    batches = [pack_example(tokenizer, example) for example in examples[:3]]

    def trained(seed):
        model = new_model(SMALL, tokenizer, seed)
        train(model, batches, 2, TinyRecipe(), seed)
        return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

    one = trained(1)
    assert torch.equal(one, trained(1))
    assert not torch.allclose(one, trained(2), atol=1e-3)


def test_training_lowers_the_loss(tokenizer, examples):
    batches = [pack_example(tokenizer, example) for example in examples[:2]]
    losses = train(new_model(SMALL, tokenizer, seed=1), batches, 10, TinyRecipe(), seed=1)
    assert losses[-1] < losses[0] - 1


@pytest.mark.parametrize("role", ROLES)
def test_sides_of_linear_layers_are_multiples_of_the_block_that_nf4_quantises(role, tokenizer):
    layers = [module for module in new_model(ROLES[role], tokenizer, 0).modules() if type(module) is torch.nn.Linear]
    assert len(layers) == 7 * ROLES[role].layers + 1
    assert all(side % 64 == 0 for layer in layers for side in layer.weight.shape)


def test_a_tokenizer_keeps_to_its_size_and_knows_every_byte():
    tokenizer = train_tokenizer(["Which do you choose, C or D?"] * 3, 300)
    assert 256 + len(SPECIAL) < len(tokenizer) <= 300
    assert tokenizer.decode(tokenizer("日本", add_special_tokens=False)["input_ids"]) == "日本"
