"""The epochs of a training: QLoRA on a quantised model, resumable after each epoch.

Source: Dettmers et al., QLoRA: Efficient Finetuning of Quantized LLMs (arXiv 2305.14314).
"""

import hashlib
import json
import math
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from torch.utils.checkpoint import checkpoint
from transformers import get_cosine_schedule_with_warmup
from transformers.modeling_layers import GradientCheckpointingLayer

from tom.core.errors import UserError
from tom.core.files import atomic_file, file_lock
from tom.models.model_checks import check_target_modules
from tom.training.batching import (
    Row,
    by_group,
    describe_steps,
    draw_batches,
    draw_prompts,
    drawn_prompts,
    epoch_order,
    steps_per_epoch,
)
from tom.training.objective import Batch, add_gradient, batch_loss, pack_rows
from tom.training.recipe import Recipe

CHECKPOINT = "checkpoint.pt"


def checkpoint_name(*parts) -> str:
    """A folder name unique to a training, so that no other weights, examples or hyperparameters resume it."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@contextmanager
def checkpoint_folder(folder: Path) -> Iterator[Path]:
    """A folder that one process at a time holds. It is removed when the body succeeds and kept when it fails.

    A killed workflow may leave a training running. The next one waits for it and resumes from its checkpoint.
    """
    # The lock is next to the folder and not inside it: the folder is removed while others may wait for the lock.
    with file_lock(folder.with_suffix(".lock"), f"another training holds {folder}; waiting for it"):
        folder.mkdir(exist_ok=True)
        yield folder
        shutil.rmtree(folder, ignore_errors=True)


def add_adapter(model, recipe: Recipe, seed: int):
    """The model with a new LoRA adapter (Hu et al., arXiv 2106.09685); all other weights are frozen.

    Errors: UserError if the model lacks one of the recipe's layers.
    """
    check_target_modules(model, recipe.modules())
    torch.manual_seed(seed)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=recipe.modules(),
        task_type="CAUSAL_LM",
    )
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    if recipe.gradient_checkpointing:
        checkpoint_layers(model)
    model = get_peft_model(model, config)
    names = model.targeted_module_names
    kinds = ", ".join(sorted({name.rpartition(".")[2] for name in names}))
    log(f"LoRA adapts {len(names)} layers: {kinds}")
    return model


def checkpoint_layers(model) -> None:
    """Let each layer keep its input alone for the backward pass, and compute the rest again there.

    As `gradient_checkpointing_enable` of transformers, which would take the keys and values of a stem away from the
    layers. Errors: UserError if the model has no such layers.
    """
    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    if not layers:
        raise UserError(
            "training.gradient_checkpointing: the model has no layers of the kind that allows it (allowed: false)"
        )
    for layer in layers:
        layer.forward = partial(_forward_again, layer, layer.forward)


def _forward_again(layer, forward, *arguments, **named):
    if layer.training and torch.is_grad_enabled():
        return checkpoint(forward, *arguments, use_reentrant=False, **named)
    return forward(*arguments, **named)


def epoch_batches(rows: list[Row], recipe: Recipe, seed: int) -> Callable[[int], Iterator[Batch]]:
    """A function that returns the batches of an epoch in the order in which they are learnt.

    Groups are packed once, and batches that are drawn in each epoch are packed when they are learnt.
    """
    if recipe.batch_size is not None:
        whole = partial(draw_prompts, variants=recipe.variants_per_epoch)
        draw = whole if recipe.whole_prompts else draw_batches
        return lambda epoch: (
            pack_rows(drawn, recipe.tokens_per_pack) for drawn in draw(rows, recipe.batch_size, seed, epoch)
        )
    groups = pack_groups(rows, recipe.tokens_per_pack)
    return lambda epoch: (groups[index] for index in epoch_order(seed, epoch, len(groups)))


def pack_groups(rows: list[Row], tokens_per_pack: int) -> list[Batch]:
    """One batch for each group."""
    return [pack_rows(group, tokens_per_pack) for group in by_group(rows)]


def train_epochs(model, rows: list[Row], held_out: list[Batch], recipe: Recipe, seed: int, folder: Path) -> list[dict]:
    """Train the model's adapter in place and return the training curve.

    model: a PEFT model. rows: what is learnt, once an epoch. held_out: batches that are measured after each epoch and
    not learnt. folder: for checkpoints. Returns one row per step: epoch, step, group, loss (nats per token),
    learning_rate, and validation_loss (after the last step of an epoch, else None). Errors: UserError if a loss or a
    gradient is not finite.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    items = sum(row.count for row in rows)
    if recipe.whole_prompts:
        items = drawn_prompts(rows, recipe.variants_per_epoch)
    per_epoch = steps_per_epoch(len(by_group(rows)), items, recipe.batch_size)
    for line in describe_steps(per_epoch, recipe.epochs, recipe.learning_rate):
        log(line)
    batches, steps = epoch_batches(rows, recipe, seed), recipe.epochs * per_epoch
    schedule = get_cosine_schedule_with_warmup(optimizer, math.ceil(recipe.warmup * steps), steps)
    done, curve = resume(folder, model, optimizer, schedule)
    for number in range(done + 1, recipe.epochs + 1):
        started = time.monotonic()
        model.train()
        for batch in batches(number):
            rate = schedule.get_last_lr()[0]
            loss = take_step(model, batch, trained, optimizer, recipe, number)
            schedule.step()
            curve.append(
                {
                    "epoch": number,
                    "step": len(curve) + 1,
                    "group": batch.group,
                    "loss": loss,
                    "learning_rate": rate,
                    "validation_loss": None,
                }
            )
        if held_out:
            curve[-1]["validation_loss"] = measure(model, held_out)
        save(folder, model, optimizer, schedule, number, curve)
        log(describe_epoch(curve, number, recipe.epochs, time.monotonic() - started))
    return curve


def take_step(model, batch: Batch, trained: list, optimizer, recipe: Recipe, number: int) -> float:
    """Take one optimiser step on a batch and return its loss before the step, in nats per token."""
    optimizer.zero_grad()
    value = add_gradient(model, batch)
    norm = torch.nn.utils.clip_grad_norm_(trained, recipe.clip).item()
    if not math.isfinite(value) or not math.isfinite(norm):
        raise UserError(
            f"training: the loss is {value} and its gradient's norm {norm} in epoch {number} on {batch.group}; "
            f"lower training.learning_rate ({recipe.learning_rate:g}) or check the teacher's shards"
        )
    optimizer.step()
    return value


def measure(model, batches: list[Batch]) -> float:
    """The mean loss of some batches in evaluation mode, in nats per token."""
    model.eval()
    return sum(batch_loss(model, batch) for batch in batches) / len(batches)


def describe_epoch(curve: list[dict], number: int, epochs: int, seconds: float) -> str:
    """The log line of a finished epoch."""
    losses = [row["loss"] for row in curve if row["epoch"] == number]
    held_out = curve[-1]["validation_loss"]
    tail = "" if held_out is None else f", held out {held_out:.4f}"
    return f"epoch {number}/{epochs}: loss {sum(losses) / len(losses):.4f}{tail}, {seconds:.1f} s"


def save(folder: Path, model, optimizer, schedule, number: int, curve: list[dict]) -> None:
    """Save everything that the remaining epochs depend on."""
    state = {
        "epoch": number,
        "curve": curve,
        "adapter": get_peft_model_state_dict(model),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "random": random_state(model.device),
    }
    with atomic_file(folder / CHECKPOINT) as temporary:
        torch.save(state, temporary)


def resume(folder: Path, model, optimizer, schedule) -> tuple[int, list[dict]]:
    """Restore the last finished epoch, if any; returns its number (0 if there is none) and the curve so far."""
    if not (folder / CHECKPOINT).exists():
        return 0, []
    state = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
    set_peft_model_state_dict(model, state["adapter"])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    restore_random_state(state["random"], model.device)
    log(f"resumed after epoch {state['epoch']}")
    return state["epoch"], state["curve"]


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """The states of the generators that dropout draws from: the CPU's, and that of a GPU."""
    state = {"cpu": torch.get_rng_state()}
    return state | {"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else state


def restore_random_state(state: dict[str, torch.Tensor], device: torch.device) -> None:
    """Restore what `random_state` returned on a device of the same type."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)


def log(text: str) -> None:
    """Write one line to the training log, on stderr."""
    print(text, file=sys.stderr, flush=True)
