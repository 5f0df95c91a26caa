"""Gauss-Newton steps: the linear algebra, the stopping rules, and resuming."""

import math
from dataclasses import replace
from statistics import mean

import pytest
import torch
from example_samples import crossed_examples, example
from test_trainer import RECIPE

from tom.core.errors import UserError
from tom.models.language_models import load_model
from tom.models.model_folders import hash_folder
from tom.prompts.chat import option_ids, prompt_ids
from tom.training import gauss_newton
from tom.training.gauss_newton import (
    linearise,
    log_odds,
    mean_deviance,
    pack_choices,
    solve_step,
    take_gauss_newton_steps,
)
from tom.training.objective import tokenise
from tom.training.trainer import add_adapter, measure, pack_groups, train_epochs

QUIET = replace(RECIPE, dropout=0.0, epochs=12, learning_rate=2e-2)


@pytest.fixture(scope="module")
def examples() -> list:
    return crossed_examples()


@pytest.fixture
def model(nf4_folder):
    return add_adapter(load_model(nf4_folder, "cpu"), QUIET, seed=1)


@pytest.fixture
def start(model, tokenizer, examples, tmp_path):
    """A model trained to answer with a letter, its choices and batches, and the curve so far."""
    rows = [row._replace(group="all") for row in tokenise(tokenizer, examples)]
    batches = pack_groups(rows, 512)
    curve = train_epochs(model, rows, [], QUIET, 1, tmp_path / "epochs")
    return model, pack_choices(tokenizer, examples), batches, curve


@pytest.fixture(autouse=True)
def folders(tmp_path):
    for name in ("epochs", "steps"):
        (tmp_path / name).mkdir()


def test_log_odds_compare_the_two_letters(model, tokenizer, examples):
    choices = pack_choices(tokenizer, examples)
    together = log_odds(model, choices).tolist()
    for odds, found, expected in zip(together, choices, examples, strict=True):
        first, second = (ids[0] for ids in option_ids(tokenizer, expected.messages, ("C", "D")))
        logits = model(input_ids=torch.tensor([prompt_ids(tokenizer, expected.messages)])).logits[0, -1]
        assert odds == pytest.approx((logits[first] - logits[second]).item(), abs=1e-4)
        assert (found.share, found.count) == (expected.replies[0].count / 100, 100)


def test_replies_of_more_than_a_letter_are_refused(tokenizer):
    with pytest.raises(UserError, match="'C because' is more than a letter"):
        pack_choices(tokenizer, [example("stag_hunt", "sports", ("C because", 3), ("D", 2))])


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_row_gradients_equal_those_of_each_prompt_alone(start, monkeypatch, rows):
    model, choices, _, _ = start
    monkeypatch.setattr(gauss_newton, "ROWS", rows)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    odds, gradients = linearise(model, choices, trained)
    assert gradients.device.type == odds.device.type == "cpu" and gradients.dtype == torch.float32
    for found, gradient, choice in zip(odds.tolist(), gradients, choices, strict=True):
        (value,) = log_odds(model, [choice])
        alone = torch.cat([part.flatten() for part in torch.autograd.grad(value, trained)])
        assert found == pytest.approx(value.item(), abs=1e-4)
        assert (gradient - alone).norm() < 1e-4 * alone.norm()


def test_trained_weights_outside_linear_layers_are_refused(start):
    model, choices, _, _ = start
    norm = next(value for name, value in model.named_parameters() if name.endswith("norm.weight")).requires_grad_()
    with pytest.raises(UserError, match="layers that are not linear"):
        linearise(model, choices, [norm])


def test_without_damping_a_step_solves_the_linear_problem():
    generator = torch.Generator().manual_seed(1)
    gradients = torch.randn(3, 20, generator=generator, dtype=torch.float64)
    odds, shares = torch.tensor([0.0, 1.0, -2.0]).double(), torch.tensor([0.4, 0.8, 0.3]).double()
    step = gradients.T @ solve_step(gradients @ gradients.T, odds, shares, damping=0.0)
    p = odds.sigmoid()
    assert (p + p * (1 - p) * (gradients @ step)).tolist() == pytest.approx(shares.tolist())


def test_damping_shortens_the_step():
    gram, odds = torch.eye(2).double(), torch.zeros(2).double()
    weights = [solve_step(gram, odds, torch.tensor([1.0, 0.0]).double(), damping).norm() for damping in (0, 0.1, 10)]
    assert weights == sorted(weights, reverse=True) and weights[2] < weights[0] / 10


def test_sampling_noise_alone_has_a_mean_deviance_of_one(tokenizer, examples):
    choice = pack_choices(tokenizer, examples[:1])[0]
    generator = torch.Generator().manual_seed(1)
    counts = torch.binomial(torch.full((2000,), 300.0), torch.full((2000,), 0.3), generator=generator)
    drawn = [replace(choice, share=count / 300, count=300) for count in counts.tolist()]
    truth = torch.full((2000,), math.log(0.3 / 0.7), dtype=torch.float64)
    assert mean_deviance(truth, drawn) == pytest.approx(1, abs=0.1)
    assert mean_deviance(truth + 1, drawn) > 10
    assert mean_deviance(torch.logit(torch.tensor([c.share for c in drawn]).double()), drawn) == pytest.approx(
        0, abs=1e-9
    )


def test_shares_of_0_and_1_have_a_finite_deviance(tokenizer, examples):
    choice = pack_choices(tokenizer, examples[:1])[0]
    one_sided = [replace(choice, share=share) for share in (0.0, 1.0)]
    assert math.isfinite(mean_deviance(torch.tensor([-3.0, 3.0]).double(), one_sided))


def test_steps_learn_an_interaction_of_game_and_context(start, tmp_path):
    model, choices, batches, curve = start
    before = measure(model, batches)
    rows = take_gauss_newton_steps(model, choices, batches, [], 12, tmp_path / "steps", curve)[len(curve) :]
    losses = [row["loss"] for row in rows]
    assert losses == sorted(losses, reverse=True) and losses[0] < before
    assert measure(model, batches) == losses[-1]
    shares = log_odds(model, choices).sigmoid().tolist()
    errors = [abs(odds - choice.share) for odds, choice in zip(shares, choices, strict=True)]
    assert mean(errors) < 0.1


def test_steps_extend_the_curve_of_the_epochs(start, tmp_path):
    model, choices, batches, curve = start
    rows = take_gauss_newton_steps(model, choices, batches, batches, 2, tmp_path / "steps", curve)
    assert rows[: len(curve)] == curve
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["epoch"] for row in rows[len(curve) :]] == [QUIET.epochs + 1, QUIET.epochs + 2]
    assert [row["validation_loss"] for row in rows[len(curve) :]] == [row["loss"] for row in rows[len(curve) :]]


def test_steps_end_within_the_teachers_sampling_noise(start, tmp_path, monkeypatch, capsys):
    model, choices, batches, curve = start
    monkeypatch.setattr(gauss_newton, "mean_deviance", lambda odds, choices: 1.0)
    assert take_gauss_newton_steps(model, choices, batches, [], 5, tmp_path / "steps", curve) == curve
    assert "sampling noise" in capsys.readouterr().err


def test_a_step_that_never_lowers_the_loss_is_undone(start, tmp_path, monkeypatch, capsys):
    model, choices, batches, curve = start
    before = {name: value.clone() for name, value in model.state_dict().items() if "lora" in name}
    losses = iter(range(100))
    monkeypatch.setattr(gauss_newton, "measure", lambda *_: next(losses))
    assert take_gauss_newton_steps(model, choices, batches, [], 5, tmp_path / "steps", curve) == curve
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    assert "no step" in capsys.readouterr().err


def test_interrupted_steps_resume_to_the_same_bytes(nf4_folder, start, tmp_path):
    model, choices, batches, curve = start
    after_epochs = {name: value.clone() for name, value in model.state_dict().items() if "lora" in name}
    (tmp_path / "whole").mkdir()
    whole = take_gauss_newton_steps(model, choices, batches, [], 3, tmp_path / "whole", curve)
    model.save_pretrained(tmp_path / "adapter")
    model.load_state_dict(after_epochs, strict=False)
    take_gauss_newton_steps(model, choices, batches, [], 1, tmp_path / "steps", curve)
    resumed = add_adapter(load_model(nf4_folder, "cpu"), QUIET, seed=2)
    assert take_gauss_newton_steps(resumed, choices, batches, [], 3, tmp_path / "steps", curve) == whole
    resumed.save_pretrained(tmp_path / "resumed")
    one, other = (hash_folder(tmp_path / name)["adapter_model.safetensors"] for name in ("adapter", "resumed"))
    assert one == other
