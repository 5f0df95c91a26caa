"""The loss: the mean over the teacher's reply tokens, its gradient that of all observations as separate rows."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from lesson_samples import lesson

from tom.chat import exchange
from tom.language_models import load_model
from tom.objective import batch_loss, pack_lessons

# 30 observations of 3 prompts; replies of one token and of several.
LESSONS = [
    lesson("stag_hunt", "sports", ("C", 7), ("D", 2), ("Cooperate.", 1)),
    lesson("stag_hunt", "business", ("C", 1), ("D", 9)),
    lesson("stag_hunt", "teamwork", ("D", 4), ("Defect, for I do not know them.", 6)),
]


@pytest.fixture(scope="module")
def batch(tokenizer):
    return pack_lessons(tokenizer, LESSONS)


@pytest.fixture(scope="module")
def rows(tokenizer) -> list:
    """Each observation as a row of its own."""
    return [
        exchange(tokenizer, lesson.messages, reply)
        for lesson in LESSONS
        for reply, count in lesson.replies
        for _ in range(count)
    ]


def gradients(model, loss) -> torch.Tensor:
    """The gradient of every parameter that learns, as one vector."""
    model.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.requires_grad])


def separate_loss(model, rows) -> torch.Tensor:
    """The mean over all reply tokens, each row run alone as in ordinary supervised fine-tuning."""
    losses = []
    for row in rows:
        ids = torch.tensor([row.prompt + row.reply])
        logits = model(input_ids=ids, use_cache=False).logits[0, len(row.prompt) - 1 : -1]
        losses.append(torch.nn.functional.cross_entropy(logits.float(), torch.tensor(row.reply), reduction="none"))
    return torch.cat(losses).mean()


@pytest.mark.parametrize("precision", ["float32", "nf4"])
def test_the_weighted_gradient_is_that_of_all_observations_as_separate_rows(request, rows, batch, precision):
    if precision == "float32":
        model = load_model(request.getfixturevalue("tiny_folder"), "cpu")
    else:  # only an adapter learns on NF4 weights
        model = load_model(request.getfixturevalue("nf4_folder"), "cpu", request.getfixturevalue("adapter_folder"))
        for name, parameter in model.named_parameters():
            parameter.requires_grad_("lora_" in name)
    assert len(rows) == 30
    packed, separate = batch_loss(model, batch), separate_loss(model, rows)
    assert packed.item() == pytest.approx(separate.item(), rel=1e-6)
    one, other = gradients(model, packed), gradients(model, separate)
    assert other.norm() > 0
    assert (one - other).norm() / other.norm() < 1e-5


def test_weights_are_the_observations_of_each_supervised_token(rows, batch):
    assert batch.weights.sum().item() == sum(len(row.reply) for row in rows)
    assert batch.group == "stag_hunt/cooperation_first"


def test_prompt_tokens_have_no_loss(rows, batch):
    prompts = {row.prompt for row in rows}
    inside = set()
    for path in batch.trie.paths:
        tokens = tuple(batch.trie.tokens[path].tolist())
        (length,) = (len(prompt) for prompt in prompts if tokens[: len(prompt)] == prompt)
        inside |= set(path[: length - 1])
    assert inside and not inside & set(batch.nodes)


def test_each_reply_token_is_a_target_once_for_each_beginning(tokenizer, batch):
    beginnings = {
        (row.prompt, row.reply[: length + 1])
        for lesson in LESSONS
        for row in (exchange(tokenizer, lesson.messages, reply) for reply, _ in lesson.replies)
        for length in range(len(row.reply))
    }
    assert len(batch.nodes) == len(beginnings)
    assert sorted(batch.targets.tolist()) == sorted(reply[-1] for _, reply in beginnings)


@pytest.mark.parametrize("vocabulary", [2, 384])
def test_the_loss_of_a_model_that_knows_nothing_is_the_log_of_its_vocabulary(batch, vocabulary):
    class Uniform:
        device = "cpu"

        def __call__(self, logits_to_keep, **_):
            return SimpleNamespace(logits=torch.zeros(1, len(logits_to_keep), vocabulary))

    known = replace(batch, targets=batch.targets % vocabulary)
    assert batch_loss(Uniform(), known).item() == pytest.approx(math.log(vocabulary))


def test_the_order_of_lessons_changes_nothing(tokenizer, tiny_folder):
    model = load_model(tiny_folder, "cpu")
    with torch.no_grad():
        losses = [batch_loss(model, pack_lessons(tokenizer, lessons)).item() for lessons in (LESSONS, LESSONS[::-1])]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
