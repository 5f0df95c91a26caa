"""Gauss-Newton steps on the choices themselves, after the epochs: the part of teaching in which games are told apart.

The prompts of two games differ in a few digits, so their gradients are nearly the same: descent learns what each
context does and stands still (docs/decisions.md). There are few prompts and many parameters, so the step that
accounts for how the prompts' gradients overlap is cheap to solve, in the space of prompts:

    step = Jᵀ (J Jᵀ + λ W⁻¹)⁻¹ W⁻¹ (y - p)

J: the gradients of the log-odds of cooperation; p: their probabilities; y: the teacher's shares; W = p (1 - p).
Gram-Gauss-Newton (Cai et al., arXiv 1905.11675), damped by λ as in Levenberg-Marquardt: a step that doesn't lower
the loss is taken back and tried again with more damping.
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
from tom.training.trainer import measure, say

CHECKPOINT = "refinement.pt"
FIRST_DAMPING = 3e-3  # of the mean squared gradient
EASE, RESIST = 1 / 3, 4.0  # what a step that was kept, or taken back, does to the damping
TRIES = 8
ROWS = 4  # prompts side by side: more take more memory, and on two cores no less time


@dataclass(frozen=True)
class Choice:
    """One prompt with its two replies, the first cooperates. share: of the first in `count` replies of the teacher.

    places: for each reply, the nodes that predict its tokens, and these.
    """

    trie: Trie
    places: tuple[tuple[list[int], list[int]], tuple[list[int], list[int]]]
    share: float
    count: int


def find_choices(tokenizer, examples: list[TrainingExample]) -> list[Choice]:
    """The choice behind each example. Errors: UserError for a example whose replies are more than single letters."""
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
    """Logarithms of the odds of cooperation against defection, from one forward pass: (len(choices),) float32."""
    nodes = sorted({node for choice in choices for path, _ in choice.places for node in path})
    row = {node: index for index, node in enumerate(nodes)}
    log_probabilities = logits_of_each(model, [choice.trie for choice in choices], nodes).log_softmax(-1)
    odds = []
    for found, choice in zip(log_probabilities, choices, strict=True):
        first, second = (found[[row[node] for node in path], targets].sum() for path, targets in choice.places)
        odds.append(first - second)
    return torch.stack(odds)


def linearise(model, choices: list[Choice], trained: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-odds of every choice, (n,) float64 on the CPU, and their gradients, (n, parameters) on the model's device."""
    sizes = [parameter.numel() for parameter in trained]
    odds = torch.empty(len(choices), dtype=torch.float64)
    gradients = torch.empty(len(choices), sum(sizes), device=trained[0].device)
    for start in range(0, len(choices), ROWS):
        rows = slice(start, start + ROWS)
        with row_gradients(model) as found:
            values = log_odds(model, choices[rows])
            torch.autograd.grad(values.sum(), trained)
        if missing := [parameter for parameter in trained if parameter not in found]:
            raise UserError(
                f"training.gauss_newton_steps: {len(missing)} of the adapter's weights are in layers that are not linear "
                "(allowed with such target_modules: 0)"
            )
        for parameter, part in zip(trained, gradients[rows].split(sizes, dim=1), strict=True):
            part.copy_(found.pop(parameter).flatten(1))
        odds[rows] = values.detach().double().cpu()
    return odds, gradients


@contextmanager
def row_gradients(model) -> Iterator[dict[torch.Tensor, torch.Tensor]]:
    """While it is open, a backward pass fills a dictionary: trained weight → its gradient for each row of the batch.

    Rows of a batch don't depend on one another, so one pass over all of them holds each one's gradient; autograd
    itself gives their sum alone.
    """
    found: dict[torch.Tensor, torch.Tensor] = {}

    def listen(module, inputs, output):
        read = inputs[0].detach()

        def collect(gradient):
            found[module.weight] = torch.einsum("bto,bti->boi", gradient, read)

        output.register_hook(collect)

    layers = [
        module for module in model.modules() if isinstance(module, torch.nn.Linear) and module.weight.requires_grad
    ]
    handles = [module.register_forward_hook(listen) for module in layers]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def solve_step(gram: torch.Tensor, odds: torch.Tensor, shares: torch.Tensor, damping: float) -> torch.Tensor:
    """Weights of the prompts' gradients in a step: (n,) float64.

    gram: (n, n), J Jᵀ. damping: in units of the mean squared gradient.
    """
    probabilities = odds.sigmoid()
    # Where a choice is certain its odds hardly matter; the bound keeps 1 / W finite.
    information = (probabilities * (1 - probabilities)).clamp(min=0.03)
    ridge = damping * gram.diagonal().mean() / information
    return torch.linalg.solve(gram + torch.diag(ridge), (shares - probabilities) / information)


def mean_deviance(odds: torch.Tensor, choices: list[Choice]) -> float:
    """Mean deviance of the teacher's counts from the student's probabilities; 1 is what sampling noise alone gives."""
    shares = torch.tensor([choice.share for choice in choices], dtype=torch.float64)
    counts = torch.tensor([choice.count for choice in choices], dtype=torch.float64)
    fitted = torch.nn.functional.binary_cross_entropy_with_logits(odds, shares, reduction="none")
    saturated = -torch.xlogy(shares, shares) - torch.xlogy(1 - shares, 1 - shares)
    return float((2 * counts * (fitted - saturated)).mean())


def refine(
    model,
    choices: list[Choice],
    batches: list[Batch],
    held_out: list[Batch],
    steps: int,
    folder: Path,
    curve: list[dict],
) -> list[dict]:
    """Take up to `steps` Gauss-Newton steps on the model's adapter, in place; returns the curve with a row for each.

    batches: whose mean loss each step must lower. held_out: batches that are only measured, after each step. folder:
    where an interrupted refinement leaves off. curve: of the epochs, as train_adapter gives it. Ends earlier where
    the student is as near to the teacher's counts as sampling noise lets one see, or where no damping helps.
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
            say(f"as near as the teacher's sampling noise lets one see: deviance {deviance:.2f} a prompt")
            break
        found = search_step(trained, odds, gradients, choices, damping, loss, lambda: measure(model, batches))
        if found is None:
            say("no step lowers the loss any more")
            break
        loss, damping = found
        rows.append(
            {
                "epoch": curve[-1]["epoch"] + len(rows) + 1,
                "step": len(curve) + len(rows) + 1,
                "group": "refinement",
                "loss": loss,
                "learning_rate": None,
                "validation_loss": measure(model, held_out) if held_out else None,
            }
        )
        save(folder, model, damping, rows)
        say(
            f"refinement {len(rows)}/{steps}: loss {loss:.4f}, deviance before it {deviance:.2f} a prompt, "
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
    """Take the first step that lowers the loss: (its loss, the next step's damping), or None if none did."""
    shares = torch.tensor([choice.share for choice in choices], dtype=torch.float64)
    gram = (gradients @ gradients.T).double().cpu()
    before = [parameter.detach().clone() for parameter in trained]
    for _ in range(TRIES):
        weights = solve_step(gram, odds, shares, damping)
        step = (gradients.T @ weights.to(gradients)).split([parameter.numel() for parameter in trained])
        with torch.no_grad():
            for parameter, start, part in zip(trained, before, step, strict=True):
                parameter.copy_(start + part.view_as(start))
        found = measured()
        if found < loss:
            return found, damping * EASE
        damping *= RESIST
    with torch.no_grad():
        for parameter, start in zip(trained, before, strict=True):
            parameter.copy_(start)
    return None


def save(folder: Path, model, damping: float, rows: list[dict]) -> None:
    """Everything that the steps to come depend on."""
    state = {"adapter": get_peft_model_state_dict(model), "damping": damping, "rows": rows}
    with atomic_file(folder / CHECKPOINT) as temporary:
        torch.save(state, temporary)


def resume(folder: Path, model) -> tuple[float, list[dict]]:
    """Take up the last step, if any: the next one's damping, and the rows so far."""
    if not (folder / CHECKPOINT).exists():
        return FIRST_DAMPING, []
    state = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
    set_peft_model_state_dict(model, state["adapter"])
    say(f"resumed after refinement {len(state['rows'])}")
    return state["damping"], state["rows"]
