"""The loss: the mean over the teacher's reply tokens, its gradient that of all observations as separate rows."""

import math
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from example_samples import example
from peft import LoraConfig, get_peft_model
from test_trainer import RECIPE
from transformers import LlamaConfig

from tom.models.language_models import convert_precision, load_model
from tom.prompts.chat import exchange
from tom.training import objective
from tom.training.objective import Batch, add_gradient, batch_loss, pack_examples
from tom.training.trainer import add_adapter

# 30 observations of 3 prompts; replies of one token and of several, one truncated, one whose beginning is given.
EXAMPLES = [
    example("stag_hunt", "sports", ("C", 7), ("D", 2), ("Cooperate.", 1)),
    example("stag_hunt", "business", ("C", 1, False), ("D", 9, False)),
    example(
        "stag_hunt",
        "teamwork",
        ("D", 4),
        ("Defect, for I do not know", 5, False),
        ("They do not.\nChoice: D", 1, True, 12),
    ),
]
# One forward pass for all, a few, and one for almost every row.
LIMITS = (100_000, 260, 1)


@pytest.fixture(scope="module")
def batch(tokenizer) -> Batch:
    return pack_examples(tokenizer, EXAMPLES, LIMITS[0])


@pytest.fixture(scope="module")
def rows(tokenizer) -> list:
    """Each observation as a row of its own."""
    return [
        exchange(tokenizer, example.messages, reply.text, reply.ends, reply.given)
        for example in EXAMPLES
        for reply in example.replies
        for _ in range(reply.count)
    ]


def gradient(model, learn) -> tuple[float, torch.Tensor]:
    """What `learn` returns, and the gradient that it leaves in all trained parameters, as one vector."""
    model.zero_grad()
    value = learn()
    return value, torch.cat([p.grad.flatten() for p in model.parameters() if p.requires_grad])


def separate_loss(model, rows) -> torch.Tensor:
    """The mean over all reply tokens, each row run alone as in ordinary supervised fine-tuning."""
    losses = []
    for row in rows:
        ids = torch.tensor([row.prompt + row.reply])
        logits = model(input_ids=ids, use_cache=False).logits[0, len(row.prompt) - 1 : -1]
        losses.append(torch.nn.functional.cross_entropy(logits.float(), torch.tensor(row.reply), reduction="none"))
    return torch.cat(losses).mean()


@pytest.fixture(scope="module", params=["float32", "nf4"])
def model(request):
    """A model all of whose weights are trained, and an NF4 model of which only the adapter is."""
    if request.param == "float32":
        return load_model(request.getfixturevalue("tiny_folder"), "cpu")
    model = load_model(request.getfixturevalue("nf4_folder"), "cpu", request.getfixturevalue("adapter_folder"))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)
    return model


@pytest.mark.parametrize("limit", LIMITS)
def test_the_weighted_gradient_is_that_of_all_observations_as_separate_rows(tokenizer, model, rows, limit):
    batch = pack_examples(tokenizer, EXAMPLES, limit)
    assert len(rows) == 30

    def learn_separately() -> float:
        loss = separate_loss(model, rows)
        loss.backward()
        return loss.item()

    packed, one = gradient(model, lambda: add_gradient(model, batch))
    separate, other = gradient(model, learn_separately)
    assert packed == pytest.approx(separate, rel=1e-6)
    assert batch_loss(model, batch) == pytest.approx(packed, rel=1e-6)
    assert other.norm() > 0
    assert (one - other).norm() / other.norm() < 1e-5


@pytest.mark.parametrize("limit", LIMITS)
def test_an_adapter_on_queries_and_values_alone_is_learnt(tokenizer, nf4_folder, rows, limit):
    """The first layer's keys depend on no trained weight."""
    settings = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    model = get_peft_model(load_model(nf4_folder, "cpu"), settings)
    _, one = gradient(model, lambda: add_gradient(model, pack_examples(tokenizer, EXAMPLES, limit)))
    _, other = gradient(model, lambda: separate_loss(model, rows).backward())
    assert (one - other).norm() / other.norm() < 1e-4


def test_gradients_accumulate(tokenizer, model):
    batch = pack_examples(tokenizer, EXAMPLES, LIMITS[1])
    assert batch.stem and len(batch.packs) > 1
    _, once = gradient(model, lambda: add_gradient(model, batch))
    _, twice = gradient(model, lambda: [add_gradient(model, batch) for _ in range(2)])
    assert (twice - 2 * once).norm() / once.norm() < 1e-6


def saved_bytes(model, batch: Batch) -> int:
    """What a forward pass keeps for the backward pass besides parameters, counted once for each storage."""
    kept = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        (part,) = batch.packs
        objective._pack_loss(model, part, [], batch.weight())
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    return sum(storage.nbytes() for place, storage in kept.items() if place not in own)


def adapted(folder, **changes):
    """The NF4 model of a folder with an adapter that changes what it says, in training mode."""
    model = add_adapter(load_model(folder, "cpu"), replace(RECIPE, dropout=0.0, **changes), seed=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.05)
    return model.train()


@pytest.fixture(scope="module")
def bfloat16_folder(tiny_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bfloat16") / "weights"
    convert_precision(tiny_folder, folder, "nf4", "bfloat16")
    return folder


def test_a_pass_in_bfloat16_is_one_of_mixed_precision_and_keeps_less(bfloat16_folder, batch, monkeypatch):
    model = adapted(bfloat16_folder)
    kept, (_, one) = saved_bytes(model, batch), gradient(model, lambda: add_gradient(model, batch))
    monkeypatch.setattr(objective, "mixed_precision", lambda model: nullcontext())
    assert kept < 0.8 * saved_bytes(model, batch)
    _, other = gradient(model, lambda: add_gradient(model, batch))
    assert 0 < (one - other).norm() / other.norm() < 0.05


def test_a_model_in_float32_is_computed_in_float32(nf4_folder):
    with objective.mixed_precision(load_model(nf4_folder, "cpu")):
        assert not torch.is_autocast_enabled("cpu")


def test_a_stems_gradients_add_up_in_float32(bfloat16_folder, tokenizer):
    """A sum in bfloat16 stops growing once it is 256 times as large as what is added. 256 equal packs share the loss of
    one, and a power of two rounds nothing."""
    model = adapted(bfloat16_folder)
    examples = [example("stag_hunt", "sports", ("C, for trust", 1, False), ("D, since they may not", 1, False))]
    batch = pack_examples(tokenizer, examples, 1)
    # Without a loss of its own, the stem has the gradients of the packs alone.
    batch = replace(batch, stem=replace(batch.stem, weights=0 * batch.stem.weights))
    assert len(batch.packs) == 2
    _, once = gradient(model, lambda: add_gradient(model, batch))
    _, often = gradient(model, lambda: add_gradient(model, replace(batch, packs=batch.packs * 256)))
    assert (often - once).norm() / once.norm() < 1e-5


@pytest.mark.parametrize("limit", LIMITS)
def test_gradient_checkpointing_changes_no_gradient_and_keeps_less(nf4_folder, tokenizer, limit):
    model, checkpointed = (adapted(nf4_folder, gradient_checkpointing=on) for on in (False, True))
    batch = pack_examples(tokenizer, EXAMPLES, limit)
    value, plain = gradient(model, lambda: add_gradient(model, batch))
    again, other = gradient(checkpointed, lambda: add_gradient(checkpointed, batch))
    assert value == again and torch.equal(plain, other)
    if batch.stem is None:
        assert saved_bytes(checkpointed, batch) < 0.2 * saved_bytes(model, batch)


def test_measuring_leaves_no_gradient(tokenizer, model):
    model.zero_grad()
    batch_loss(model, pack_examples(tokenizer, EXAMPLES, LIMITS[1]))
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("limit", LIMITS)
def test_the_stem_is_computed_once(tokenizer, rows, limit):
    batch = pack_examples(tokenizer, EXAMPLES, limit)
    beginnings = {(row.prompt + row.reply)[: n + 1] for row in rows for n in range(len(row.prompt + row.reply))}
    # A reply's last token predicts nothing, and is left out where it would be all of a pack.
    whole = {row.prompt + row.reply for row in rows}
    assert len(beginnings) - len(whole) <= batch.tokens() <= len(beginnings)


def test_a_reply_that_is_the_beginning_of_another_is_learnt_in_the_stem(tokenizer, model):
    examples = [example("stag_hunt", "sports", ("C", 2, False), ("C, for trust", 3, False))]
    batch, whole = (pack_examples(tokenizer, examples, limit) for limit in (1, 1000))
    assert len(batch.packs) == 1 and batch.stem.weights.tolist() == [5, 3]
    value, one = gradient(model, lambda: add_gradient(model, batch))
    known, other = gradient(model, lambda: add_gradient(model, whole))
    assert value == pytest.approx(known, rel=1e-6)
    assert (one - other).norm() / other.norm() < 1e-5


@pytest.mark.parametrize("limit", LIMITS)
def test_no_pack_exceeds_the_limit_unless_a_single_row_does(tokenizer, rows, limit):
    batch = pack_examples(tokenizer, EXAMPLES, limit)
    longest = max(len(row.prompt) + len(row.reply) for row in rows)
    assert all(len(pack.trie.tokens) <= max(limit, longest) for pack in batch.packs)
    assert (len(batch.packs) > 1) == (batch.stem is not None) == (limit != LIMITS[0])


@pytest.mark.parametrize("limit", LIMITS)
def test_weights_are_the_observations_of_each_supervised_token(tokenizer, rows, limit):
    batch = pack_examples(tokenizer, EXAMPLES, limit)
    assert batch.weight() == sum(len(row.reply) for row in rows)
    assert batch.group == "stag_hunt/cooperation_first"


def test_given_tokens_have_no_loss(rows, batch):
    (pack,) = batch.packs
    learnt = set(zip(pack.nodes, pack.targets.tolist(), strict=True))
    given = {row.prompt for row in rows}
    inside = set()
    for path in pack.trie.paths:
        tokens = tuple(pack.trie.tokens[path].tolist())
        length = max(len(prompt) for prompt in given if tokens[: len(prompt)] == prompt)
        inside |= set(zip(path[: length - 1], tokens[1:length], strict=True))
    assert inside and not inside & learnt


def test_a_truncated_reply_has_no_end_of_turn_to_learn(tokenizer, rows):
    closed = [tokenizer.eos_token_id in row.reply for row in rows]
    assert closed == [reply.ends for example in EXAMPLES for reply in example.replies for _ in range(reply.count)]


def test_each_reply_token_is_a_target_once_for_each_beginning(rows, batch):
    (pack,) = batch.packs
    beginnings = {(row.prompt + row.reply)[: len(row.prompt) + n + 1] for row in rows for n in range(len(row.reply))}
    assert len(pack.nodes) == len(beginnings)
    assert sorted(pack.targets.tolist()) == sorted(beginning[-1] for beginning in beginnings)


@pytest.mark.parametrize("vocabulary", [2, 384])
def test_the_loss_of_a_uniform_model_is_the_log_of_its_vocabulary(batch, vocabulary):
    class Uniform:
        device, dtype = torch.device("cpu"), torch.float32
        config = LlamaConfig()

        def __call__(self, logits_to_keep, **_):
            return SimpleNamespace(logits=torch.zeros(1, len(logits_to_keep), vocabulary))

    known = [replace(pack, targets=pack.targets % vocabulary) for pack in batch.packs]
    assert batch_loss(Uniform(), replace(batch, packs=known)) == pytest.approx(math.log(vocabulary))


def test_the_order_of_the_examples_does_not_change_the_loss(tokenizer, tiny_folder):
    model = load_model(tiny_folder, "cpu")
    losses = [batch_loss(model, pack_examples(tokenizer, examples, 2048)) for examples in (EXAMPLES, EXAMPLES[::-1])]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
