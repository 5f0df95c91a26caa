"""The epochs: resuming to the same bytes, errors on losses that are not finite, and a falling loss."""

import math
import re
import threading
from dataclasses import replace

import pytest
import torch
from example_samples import example

from tom.core.errors import UserError
from tom.models.language_models import load_model
from tom.models.model_folders import hash_folder
from tom.training import trainer as training
from tom.training.batching import MIXED, draw_batches, epoch_order
from tom.training.objective import pack_examples, tokenise
from tom.training.recipe import Recipe
from tom.training.trainer import (
    add_adapter,
    checkpoint_folder,
    checkpoint_layers,
    checkpoint_name,
    measure,
    pack_groups,
    train_epochs,
)

RECIPE = Recipe(
    target="label",
    rank=4,
    alpha=8,
    dropout=0.1,  # so that resuming must restore the random state
    target_modules="all-linear",
    learning_rate=5e-3,
    warmup=0.1,
    epochs=4,
    gauss_newton_steps=0,
    weight_decay=0.01,
    clip=1.0,
    tokens_per_pack=512,
)
SEED = 3


@pytest.fixture(scope="module")
def rows(tokenizer) -> list:
    """Two games, one of them in two contexts: three examples with 30 replies, in two steps per epoch by group."""
    examples = [
        *[example("stag_hunt", "sports", ("C", 9), ("D", 1)), example("stag_hunt", "teamwork", ("C", 8), ("D", 2))],
        example("snowdrift", "sports", ("C", 1), ("D", 9)),
    ]
    return tokenise(tokenizer, examples)


@pytest.fixture(scope="module")
def batches(rows) -> list:
    return pack_groups(rows, 512)


@pytest.fixture(scope="module")
def held_out(tokenizer) -> list:
    return [pack_examples(tokenizer, [example("stag_hunt", "business", ("C", 9), ("D", 1))], 512)]


@pytest.fixture
def train(nf4_folder, rows, tmp_path):
    """Train a fresh adapter of the NF4 model; returns its curve, its model and the hashes of its saved files."""

    def run(folder, recipe=RECIPE, seed=SEED, held_out=(), trained_on=rows, prepare=lambda model: None):
        (tmp_path / folder).mkdir(exist_ok=True)
        model = add_adapter(load_model(nf4_folder, "cpu"), recipe, seed)
        prepare(model)
        curve = train_epochs(model, trained_on, list(held_out), recipe, seed, tmp_path / folder)
        model.save_pretrained(tmp_path / f"{folder}-adapter")
        return curve, model, hash_folder(tmp_path / f"{folder}-adapter")["adapter_model.safetensors"]

    return run


@pytest.fixture
def die_after(monkeypatch):
    """A function that makes the training die right after an epoch was saved."""

    def arm(number):
        def log(text):
            if text.startswith(f"epoch {number}/"):
                raise KeyboardInterrupt

        monkeypatch.setattr(training, "log", log)

    return arm


def losses(curve, number) -> list[float]:
    return [row["loss"] for row in curve if row["epoch"] == number]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize("batch_size", [None, 8])
def test_a_training_interrupted_after_each_epoch_resumes_to_the_same_bytes(train, held_out, die_after, batch_size):
    recipe = replace(RECIPE, batch_size=batch_size)
    curve, _, sha256 = train("undisturbed", recipe, held_out=held_out)
    for number in range(1, RECIPE.epochs):
        die_after(number)
        with pytest.raises(KeyboardInterrupt):
            train("disturbed", recipe, held_out=held_out)
    die_after(None)
    resumed, _, resumed_sha256 = train("disturbed", recipe, held_out=held_out)
    assert resumed == curve
    assert resumed_sha256 == sha256


def test_a_training_interrupted_within_an_epoch_resumes_from_the_last_whole_one(train, batches, monkeypatch):
    curve, _, sha256 = train("undisturbed")
    calls = []

    def die_in_the_middle(*arguments):
        calls.append(arguments)
        if len(calls) == 2 * len(batches):  # the last step of the second epoch
            raise KeyboardInterrupt
        return take_step(*arguments)

    take_step = training.take_step
    monkeypatch.setattr(training, "take_step", die_in_the_middle)
    with pytest.raises(KeyboardInterrupt):
        train("disturbed")
    calls.clear()
    calls += [None] * 100
    resumed, _, resumed_sha256 = train("disturbed")
    assert len(calls) - 100 == (RECIPE.epochs - 1) * len(batches)
    assert (resumed, resumed_sha256) == (curve, sha256)


def test_gradient_checkpointing_changes_no_byte(train, held_out):
    plain, again = (
        train(str(on), replace(RECIPE, epochs=2, tokens_per_pack=200, gradient_checkpointing=on), held_out=held_out)
        for on in (False, True)
    )
    assert plain[0] == again[0] and plain[2] == again[2]


def test_a_model_without_such_layers_can_not_be_checkpointed():
    with pytest.raises(UserError, match=r"training\.gradient_checkpointing.*allowed: false"):
        checkpoint_layers(torch.nn.Linear(2, 2))


def test_the_state_of_a_gpus_generator_is_kept_and_restored(monkeypatch):
    """A GPU's dropout draws from its own generator; here a stand-in for it."""
    gpu = torch.Generator()
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: gpu.get_state())
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: gpu.set_state(state))
    device = torch.device("cuda", 0)
    state = training.random_state(device)
    drawn = torch.rand(3), torch.rand(3, generator=gpu)
    training.restore_random_state(state, device)
    assert torch.equal(torch.rand(3), drawn[0]) and torch.equal(torch.rand(3, generator=gpu), drawn[1])
    assert training.random_state(torch.device("cpu")).keys() == {"cpu"}


def test_another_seed_gives_another_adapter(train):
    assert train("one", replace(RECIPE, epochs=1))[2] != train("other", replace(RECIPE, epochs=1), seed=SEED + 1)[2]


NAMED = {"weights": "sha", "recipe": RECIPE.as_dict(), "seed": 1, "held_out": None, "texts": [["g", [], []]]}


@pytest.mark.parametrize(
    "change",
    [
        *({"recipe": RECIPE.as_dict() | {knob: 99}} for knob in RECIPE.as_dict()),
        {"weights": "other"},
        {"seed": 2},
        {"held_out": "sports"},
        {"texts": [["g", [], [["C", 1]]]]},
    ],
    ids=str,
)
def test_a_different_training_never_resumes_this_one(change):
    assert checkpoint_name(*(NAMED | change).values()) != checkpoint_name(*NAMED.values())
    assert checkpoint_name(*NAMED.values()) == checkpoint_name(*NAMED.values())


def test_the_loss_falls_towards_the_teachers_own_uncertainty(train):
    curve, _, _ = train("run", replace(RECIPE, dropout=0.0, epochs=15, learning_rate=2e-2))
    first, last = mean(losses(curve, 1)), mean(losses(curve, 15))
    assert first > 2
    assert last < 0.4  # shares of 0.9 and a certain end of turn leave 0.19 nats per token


def test_the_curve_has_a_row_for_each_step(train, batches, held_out):
    curve, _, _ = train("run", held_out=held_out)
    assert [row["step"] for row in curve] == list(range(1, 1 + RECIPE.epochs * len(batches)))
    assert [row["epoch"] for row in curve] == [number for number in range(1, RECIPE.epochs + 1) for _ in batches]
    for number in range(1, RECIPE.epochs + 1):
        groups = [row["group"] for row in curve if row["epoch"] == number]
        assert groups == [batches[index].group for index in epoch_order(SEED, number, len(batches))]
    rates = [row["learning_rate"] for row in curve]
    assert rates[0] == 0 and max(rates) == RECIPE.learning_rate and rates[1:] == sorted(rates[1:], reverse=True)


def test_mini_batches_are_drawn_from_all_groups_and_the_schedule_ends_with_them(train, rows, capsys):
    curve, _, _ = train("run", replace(RECIPE, batch_size=8))
    drawn = [batch for epoch in range(1, 1 + RECIPE.epochs) for batch in draw_batches(rows, 8, SEED, epoch)]
    assert len(curve) == len(drawn) == RECIPE.epochs * 4  # 30 replies: three batches of 8 and one of 6
    groups = [{row.group for row in batch} for batch in drawn]
    assert [row["group"] for row in curve] == [MIXED if len(found) > 1 else found.pop() for found in groups]
    assert MIXED in [row["group"] for row in curve]
    rates = [row["learning_rate"] for row in curve]
    steps, warmup = len(curve), math.ceil(RECIPE.warmup * len(curve))
    cosine = [(1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2 for step in range(warmup, steps)]
    assert rates[:warmup] == pytest.approx([RECIPE.learning_rate * step / warmup for step in range(warmup)])
    assert rates[warmup:] == pytest.approx([RECIPE.learning_rate * share for share in cosine])
    assert f"{steps} optimiser steps: 4 epochs of 4" in capsys.readouterr().err


def test_held_out_batches_are_measured_after_each_epoch_and_not_learnt(train, batches, held_out):
    curve, model, sha256 = train("with", held_out=held_out)
    without, _, without_sha256 = train("without")
    assert sha256 == without_sha256
    assert [row["validation_loss"] is not None for row in curve] == [False, True] * RECIPE.epochs
    assert [row | {"validation_loss": None} for row in curve] == without
    assert curve[-1]["validation_loss"] == measure(model, held_out)


def test_only_the_adapter_learns(train, nf4_folder):
    _, model, _ = train("run", replace(RECIPE, epochs=1))
    before = load_model(nf4_folder, "cpu").state_dict()
    after = {
        name.removeprefix("base_model.model.").replace(".base_layer", ""): value
        for name, value in model.state_dict().items()
        if "lora_" not in name
    }
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(("lora_" in name) == parameter.requires_grad for name, parameter in model.named_parameters())


def test_a_new_adapter_changes_nothing_and_depends_on_the_seed(nf4_folder, batches):
    bare = load_model(nf4_folder, "cpu")
    loss = measure(bare, batches)
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(99)  # the state of the generator does not matter
        model = add_adapter(load_model(nf4_folder, "cpu"), RECIPE, seed)
        assert measure(model, batches) == pytest.approx(loss, rel=1e-6)
        states.append(torch.cat([p.flatten() for p in model.parameters() if p.requires_grad]))
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])


def test_a_loss_that_is_not_finite_names_epoch_group_and_learning_rate(train, batches):
    def break_weights(model):
        with torch.no_grad():
            next(p for name, p in model.named_parameters() if "lora_B" in name).fill_(float("nan"))

    with pytest.raises(UserError) as caught:
        train("run", prepare=break_weights)
    first = batches[epoch_order(SEED, 1, len(batches))[0]].group
    for part in ("nan", "epoch 1", first, "training.learning_rate", "0.005"):
        assert part in str(caught.value)


def test_a_gradient_that_is_not_finite_is_never_saved(train, rows):
    def break_gradient(model):
        parameter = next(p for name, p in model.named_parameters() if "lora_B" in name)
        parameter.register_hook(lambda gradient: gradient * float("nan"))

    with pytest.raises(UserError, match=re.escape("training.learning_rate")):
        train("run", replace(RECIPE, epochs=1), trained_on=rows[:2], prepare=break_gradient)


def test_a_checkpoint_folder_is_removed_on_success_and_kept_on_failure(tmp_path):
    with pytest.raises(ValueError), checkpoint_folder(tmp_path / "a" / "run") as folder:
        (folder / "checkpoint.pt").touch()
        raise ValueError
    assert (tmp_path / "a" / "run" / "checkpoint.pt").exists()
    with checkpoint_folder(tmp_path / "a" / "run") as folder:
        assert (folder / "checkpoint.pt").exists()
    assert not folder.exists()


def test_a_second_training_waits_for_the_first_and_then_holds_the_folder_alone(tmp_path, capsys):
    """The first succeeds and removes the folder; the second must hold a lock that a third waits for."""
    third_waited = threading.Event()

    def second():
        with checkpoint_folder(tmp_path / "run"):
            thread = threading.Thread(target=third)
            thread.start()
            thread.join(0.3)
            if thread.is_alive():
                third_waited.set()
        thread.join(5)

    def third():
        with checkpoint_folder(tmp_path / "run"):
            pass

    waiting = threading.Thread(target=second)
    with checkpoint_folder(tmp_path / "run"):
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join(10)
    assert not waiting.is_alive()
    assert "waiting" in capsys.readouterr().err
    assert third_waited.is_set()
