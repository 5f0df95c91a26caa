"""Gauss-Newton steps on the choice probabilities after the epochs, in which the student learns to distinguish games.

The prompts of two games differ in a few digits, so their gradients are nearly parallel. Gradient descent learns the
effect of the context and then stalls (docs/decisions.md). A Gauss-Newton step accounts for the overlap of the
gradients. There are few prompts and many parameters, so it is cheap to solve in the space of prompts:

    step = Jᵀ (J Jᵀ + λ W⁻¹)⁻¹ W⁻¹ (y - p)

J: the gradients of the log-odds of cooperation, one row per prompt. p: the student's probabilities of cooperation.
y: the teacher's shares of cooperation. W = diag(p (1 - p)). λ: the damping, as in Levenberg-Marquardt. A step that does
not lower the loss is undone and tried again with more damping.
Source: Cai et al., Gram-Gauss-Newton Method (arXiv 1905.11675).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import get_peft_model_state_dict, set_peft_model_state_dict

from tom.core.errors import UserError
from tom.core.files import atomic_file
from tom.models.packed_sequences import Trie, logits_of_each, pack, predictions
from tom.prompts.chat import exchange
from tom.prompts.variants import PAPER_VARIANT
from tom.training.examples import TrainingExample
from tom.training.objective import Batch
from tom.training.trainer import log, measure

CHECKPOINT = "gauss_newton.pt"
FIRST_DAMPING = 3e-3
"""In units of the mean squared gradient."""
DAMPING_AFTER_SUCCESS, DAMPING_AFTER_FAILURE = 1 / 3, 4.0
"""Factors on the damping after a step that was kept, and after one that was undone."""
TRIES = 8
ROWS = 4
"""Prompts in one forward pass. More need more memory and, on two cores, save no time."""


@dataclass(frozen=True)
class Choice:
    """One prompt with its two possible replies, of which the first cooperates.

    places: for each reply, the nodes that predict its tokens, and the token ids. share: the teacher's share of
    cooperation. count: the number of replies that the share is based on.
    """

    trie: Trie
    places: tuple[tuple[list[int], list[int]], tuple[list[int], list[int]]]
    share: float
    count: int


def pack_choices(tokenizer, examples: list[TrainingExample]) -> list[Choice]:
    """Tokenise both possible replies of each example and pack them. Errors: UserError for replies beyond a letter."""
    letters = [PAPER_VARIANT.label(cooperates) for cooperates in (True, False)]
    choices = []
    for example in examples:
        counts = {reply.text: reply.count for reply in example.replies}
        if more := sorted(set(counts) - set(letters)):
            raise UserError(f"training.gauss_newton_steps: {more[0]!r} is more than a letter (allowed with it: 0)")
        rows = [exchange(tokenizer, example.messages, letter, ends=False) for letter in letters]
        trie = pack([row.prompt + row.reply for row in rows])
        places = tuple(predictions(trie, index, len(row.prompt)) for index, row in enumerate(rows))
        total = sum(counts.values())
        choices.append(Choice(trie, places, counts.get(letters[0], 0) / total, total))
    return choices


def log_odds(model, choices: list[Choice]) -> torch.Tensor:
    """The log-odds of cooperation, from one forward pass: (len(choices),) float32."""
    nodes = sorted({node for choice in choices for path, _ in choice.places for node in path})
    row = {node: index for index, node in enumerate(nodes)}
    log_probabilities = logits_of_each(model, [choice.trie for choice in choices], nodes).log_softmax(-1)
    odds = []
    for found, choice in zip(log_probabilities, choices, strict=True):
        first, second = (found[[row[node] for node in path], targets].sum() for path, targets in choice.places)
        odds.append(first - second)
    return torch.stack(odds)


def linearise(model, choices: list[Choice], trained: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """The log-odds of every choice and their gradients.

    Returns (n,) float64 and (n, parameters) float32, both on the CPU: gradients of many prompts take more memory than a
    GPU has to spare, 16 GB for 100 prompts and the 40 million weights of an adapter of Llama-2-7b. Errors: UserError if
    a trained weight is not that of a linear layer.
    """
    sizes = [parameter.numel() for parameter in trained]
    odds = torch.empty(len(choices), dtype=torch.float64)
    gradients = torch.empty(len(choices), sum(sizes))
    for start in range(0, len(choices), ROWS):
        rows = slice(start, start + ROWS)
        with row_gradients(model) as found:
            values = log_odds(model, choices[rows])
            torch.autograd.grad(values.sum(), trained)
        if missing := [parameter for parameter in trained if parameter not in found]:
            raise UserError(
                f"training.gauss_newton_steps: {len(missing)} of the adapter's weights are in layers that are not"
                " linear (allowed with such target_modules: 0)"
            )
        for parameter, part in zip(trained, gradients[rows].split(sizes, dim=1), strict=True):
            part.copy_(found.pop(parameter).flatten(1))
        odds[rows] = values.detach().double().cpu()
    return odds, gradients


@contextmanager
def row_gradients(model) -> Iterator[dict[torch.Tensor, torch.Tensor]]:
    """Collect per-row gradients: a backward pass in the body fills trained weight → gradients, (rows, out, in).

    autograd returns the sum over the rows of a batch. The rows are independent of each other, so hooks on the linear
    layers recover the gradient of each row from a single backward pass.
    """
    found: dict[torch.Tensor, torch.Tensor] = {}

    def on_forward(module, inputs, output):
        layer_input = inputs[0].detach()

        def collect(gradient):
            found[module.weight] = torch.einsum("bto,bti->boi", gradient, layer_input)

        output.register_hook(collect)

    layers = [
        module for module in model.modules() if isinstance(module, torch.nn.Linear) and module.weight.requires_grad
    ]
    handles = [module.register_forward_hook(on_forward) for module in layers]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def solve_step(gram: torch.Tensor, odds: torch.Tensor, shares: torch.Tensor, damping: float) -> torch.Tensor:
    """Solve for the weight of each prompt's gradient in a step: (n,) float64.

    gram: (n, n), J Jᵀ. odds: (n,) log-odds. shares: (n,) the teacher's. damping: in units of the mean squared gradient.
    """
    probabilities = odds.sigmoid()
    # W tends to 0 where the student is certain; the bound keeps 1 / W finite.
    information = (probabilities * (1 - probabilities)).clamp(min=0.03)
    ridge = damping * gram.diagonal().mean() / information
    return torch.linalg.solve(gram + torch.diag(ridge), (shares - probabilities) / information)


def mean_deviance(odds: torch.Tensor, choices: list[Choice]) -> float:
    """The mean deviance of the teacher's counts given the student's probabilities; sampling noise alone gives 1."""
    shares = torch.tensor([choice.share for choice in choices], dtype=torch.float64)
    counts = torch.tensor([choice.count for choice in choices], dtype=torch.float64)
    fitted = torch.nn.functional.binary_cross_entropy_with_logits(odds, shares, reduction="none")
    saturated = -torch.xlogy(shares, shares) - torch.xlogy(1 - shares, 1 - shares)
    return float((2 * counts * (fitted - saturated)).mean())


def take_gauss_newton_steps(
    model,
    choices: list[Choice],
    batches: list[Batch],
    held_out: list[Batch],
    steps: int,
    folder: Path,
    curve: list[dict],
) -> list[dict]:
    """Take up to `steps` Gauss-Newton steps on the model's adapter, in place, and return the extended training curve.

    batches: whose mean loss each step must lower. held_out: batches that are measured after each step and not learnt.
    folder: for the checkpoint. curve: that of train_epochs. It ends early once the student is as close to the teacher's
    counts as sampling noise can resolve, or if no damping lowers the loss.
    """
    model.eval()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    damping, rows = resume(folder, model)
    loss = measure(model, batches)
    while len(rows) < steps:
        started = time.monotonic()
        odds, gradients = linearise(model, choices, trained)
        deviance = mean_deviance(odds, choices)
        if deviance <= 1:
            log(f"within the teacher's sampling noise: deviance {deviance:.2f} per prompt")
            break
        found = search_step(trained, odds, gradients, choices, damping, loss, lambda: measure(model, batches))
        if found is None:
            log("no step lowers the loss any more")
            break
        loss, damping = found
        rows.append(
            {
                "epoch": curve[-1]["epoch"] + len(rows) + 1,
                "step": len(curve) + len(rows) + 1,
                "group": "gauss_newton",
                "loss": loss,
                "learning_rate": None,
                "validation_loss": measure(model, held_out) if held_out else None,
            }
        )
        save(folder, model, damping, rows)
        log(
            f"Gauss-Newton step {len(rows)}/{steps}: loss {loss:.4f}, deviance before it {deviance:.2f} per prompt, "
            f"{time.monotonic() - started:.1f} s"
        )
    return curve + rows


def search_step(
    trained: list[torch.Tensor],
    odds: torch.Tensor,
    gradients: torch.Tensor,
    choices: list[Choice],
    damping: float,
    loss: float,
    measured: Callable[[], float],
) -> tuple[float, float] | None:
    """Raise the damping until a step lowers the loss, and take that step.

    measured: returns the loss of the current weights. Returns the new loss and the damping of the next step, or None if
    no step lowered the loss; the weights are then as before.
    """
    shares = torch.tensor([choice.share for choice in choices], dtype=torch.float64)
    gram = (gradients @ gradients.T).double().cpu()
    before = [parameter.detach().clone() for parameter in trained]
    for _ in range(TRIES):
        weights = solve_step(gram, odds, shares, damping)
        step = (gradients.T @ weights.to(gradients)).split([parameter.numel() for parameter in trained])
        with torch.no_grad():
            for parameter, start, part in zip(trained, before, step, strict=True):
                parameter.copy_(start + part.view_as(start).to(start))
        found = measured()
        if found < loss:
            return found, damping * DAMPING_AFTER_SUCCESS
        damping *= DAMPING_AFTER_FAILURE
    with torch.no_grad():
        for parameter, start in zip(trained, before, strict=True):
            parameter.copy_(start)
    return None


def save(folder: Path, model, damping: float, rows: list[dict]) -> None:
    """Save everything that the remaining steps depend on."""
    state = {"adapter": get_peft_model_state_dict(model), "damping": damping, "rows": rows}
    with atomic_file(folder / CHECKPOINT) as temporary:
        torch.save(state, temporary)


def resume(folder: Path, model) -> tuple[float, list[dict]]:
    """Restore the last step, if any; returns the damping of the next step and the rows so far."""
    if not (folder / CHECKPOINT).exists():
        return FIRST_DAMPING, []
    state = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
    set_peft_model_state_dict(model, state["adapter"])
    log(f"resumed after Gauss-Newton step {len(state['rows'])}")
    return state["damping"], state["rows"]
