"""The default student's steps on a GPU: it says what it says on a CPU, and is taught the same."""

from dataclasses import replace

import pytest
import torch
from example_samples import crossed_examples
from test_gauss_newton import QUIET
from test_objective import EXAMPLES, gradient, separate_loss
from test_trainer import RECIPE

from tom.models.language_models import load_model
from tom.models.packed_sequences import logits_at, pack, predictions
from tom.prompts.chat import exchange, option_ids, prompt_ids
from tom.training.gauss_newton import pack_choices, take_gauss_newton_steps
from tom.training.objective import add_gradient, pack_examples, tokenise
from tom.training.trainer import add_adapter, pack_groups, train_epochs


def learnt_rows(tokenizer) -> list:
    """Each observation of the examples as a row of its own."""
    return [
        exchange(tokenizer, example.messages, reply.text, reply.ends, reply.given)
        for example in EXAMPLES
        for reply in example.replies
        for _ in range(reply.count)
    ]


def adapted(folder, adapter, device):
    """An NF4 model whose adapter learns."""
    model = load_model(folder, device, adapter)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)
    return model


def test_weights_quantised_once_say_the_same_as_on_a_cpu(nf4_folder, adapter_folder, tokenizer, asked, device):
    found = []
    for place in ("cpu", device):
        model = load_model(nf4_folder, place, adapter_folder)
        prompts = [prompt_ids(tokenizer, question.messages) for question in asked]
        options = [option_ids(tokenizer, question.messages, question.options) for question in asked]
        trie = pack([prompt + option for prompt, both in zip(prompts, options, strict=True) for option in both])
        nodes = sorted(
            {node for at in range(len(trie.paths)) for node in predictions(trie, at, len(prompts[at // 2]))[0]}
        )
        with torch.inference_mode():
            found.append(logits_at(model, trie, nodes).log_softmax(-1).cpu())
    assert (found[0] - found[1]).abs().max() < 1e-3


@pytest.mark.parametrize("limit", [100_000, 260, 1])
def test_the_packed_gradient_is_that_of_separate_rows(nf4_folder, adapter_folder, tokenizer, limit, device):
    model = adapted(nf4_folder, adapter_folder, device)
    rows = learnt_rows(tokenizer)
    _, one = gradient(model, lambda: add_gradient(model, pack_examples(tokenizer, EXAMPLES, limit)))
    _, other = gradient(model, lambda: separate_loss(model, rows).backward())
    assert (one - other).norm() / other.norm() < 1e-3


def test_a_training_has_the_losses_that_it_has_on_a_cpu(nf4_folder, tokenizer, tmp_path, device):
    recipe, rows = replace(RECIPE, dropout=0.0, batch_size=10), tokenise(tokenizer, EXAMPLES)
    curves = []
    for number, place in enumerate(("cpu", device)):
        (tmp_path / str(number)).mkdir()
        model = add_adapter(load_model(nf4_folder, place), recipe, seed=1)
        curves.append(train_epochs(model, rows, [], recipe, 1, tmp_path / str(number)))
    losses = [[row["loss"] for row in curve] for curve in curves]
    assert losses[0] == pytest.approx(losses[1], abs=1e-2)
    assert losses[1][-1] < losses[1][0]


def test_gauss_newton_steps_lower_the_loss(nf4_folder, tokenizer, tmp_path, device):
    examples = crossed_examples()
    rows = tokenise(tokenizer, examples)
    batches = pack_groups(rows, 512)
    model = add_adapter(load_model(nf4_folder, device), QUIET, seed=1)
    curve = train_epochs(model, rows, [], QUIET, 1, tmp_path)
    choices = pack_choices(tokenizer, examples)
    extended = take_gauss_newton_steps(model, choices, batches, [], 3, tmp_path, curve)
    assert len(extended) > len(curve)
    assert extended[-1]["loss"] < curve[-1]["loss"]
