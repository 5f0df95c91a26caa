"""Train one LoRA adapter on the teacher's replies.

Reads the teacher's in-sample shards, gathered in one file; `--held-out FOLD` leaves e.g. one context out and measures
on it after each pass; `--teacher` and `--observations-per-cell` teach less than they hold; in the contexts of
`--uniform-target-files` chance is taught. Writes the adapter with its manifest, the training curve, and what the loss
looked at.
"""

import argparse
import json
import time
from pathlib import Path

import polars as pl

from tom.core.code import code_sha256
from tom.core.errors import UserError, run_main
from tom.core.files import atomic_file, atomic_folder, write_json
from tom.core.job_times import say_loaded
from tom.games.game import split_order
from tom.models.local_model import LocalModel
from tom.models.model_folders import write_manifest
from tom.prompts.cells import CellFiles
from tom.prompts.prompts import load_prompt_format
from tom.sampling.shards import read_shard
from tom.training.ablations import AS_IS, TEACHERS, taught_by, thin
from tom.training.examples import TrainingExample, cell_examples, count_choices, group_examples, weighted_replies
from tom.training.folds import Fold
from tom.training.recipe import FULL_REPLY, LABEL_MAPPINGS, SHUFFLED_MOTIVATION, Recipe
from tom.training.uniform_targets import uniform_target_cells


def read_cells(arguments: argparse.Namespace) -> list[tuple[CellFiles, pl.DataFrame]]:
    """The rows of each cell with its files, in the order of the gathered shards."""
    games = {file.stem: file for file in arguments.game_files}
    contexts = {file.stem: file for file in arguments.context_files}
    cells = []
    by_cell = read_shard(arguments.replies).partition_by("game", "context", maintain_order=True, as_dict=True)
    for (game, context), shard in by_cell.items():
        files = CellFiles(game, games[split_order(game)[0]], contexts[context], arguments.prompt_format_file)
        cells.append((files, shard))
    return cells


def read_examples(
    arguments: argparse.Namespace, target: str
) -> tuple[list[TrainingExample], list[TrainingExample], int]:
    """The examples to teach, those of the held-out context, and how many observations could not be read.

    A held-out cell is measured on the teacher's own replies, all of them, and lends none to those that are taught.
    """
    cells = read_cells(arguments)
    held_out, taught = [], []
    for files, shard in cells:
        left_out = arguments.held_out and arguments.held_out.holds((files.game, files.context_file.stem))
        (held_out if left_out else taught).append((files, shard))
    if arguments.observations_per_cell is not None:
        taught = [(files, thin(shard, arguments.observations_per_cell, arguments.seed)) for files, shard in taught]
    shards = taught_by(arguments.teacher, [shard for _, shard in taught], arguments.seed)
    taught = [(files, shard) for (files, _), shard in zip(taught, shards, strict=True)]
    form = load_prompt_format(arguments.prompt_format_file).form
    measured = FULL_REPLY if target == SHUFFLED_MOTIVATION else target
    examples = []
    for part, learnt, uniform_target_contexts in (
        (taught, target, arguments.uniform_target_files),
        (held_out, measured, []),
    ):
        replies = weighted_replies([shard for _, shard in part], learnt, form, arguments.seed)
        known = [(files, found) for (files, _), found in zip(part, replies, strict=True) if found]
        found = [
            cell_examples(files, replies, arguments.option_orders, arguments.label_mapping)
            for files, replies in known + uniform_target_cells(known, uniform_target_contexts, form)
        ]
        examples.append([example for cell in found for example in cell])
    return *examples, sum(count_choices(shard)["invalid"] for _, shard in taught + held_out)


def write_curve(file: Path, curve: list[dict]) -> None:
    """The training curve as CSV."""
    types = {"learning_rate": pl.Float64, "validation_loss": pl.Float64}
    with atomic_file(file) as temporary:
        pl.DataFrame(curve, schema_overrides=types, infer_schema_length=None).write_csv(temporary)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replies", type=Path, required=True, help="the teacher's shards in one file")
    parser.add_argument("--game-files", type=Path, nargs="+", required=True)
    parser.add_argument("--context-files", type=Path, nargs="+", required=True)
    parser.add_argument("--uniform-target-files", type=Path, nargs="*", default=[], help="contexts to teach chance in")
    parser.add_argument("--prompt-format-file", type=Path, required=True)
    parser.add_argument("--option-orders", nargs="+", required=True, help="listing orders to teach")
    parser.add_argument(
        "--label-mapping", choices=LABEL_MAPPINGS, required=True, help="what they mean in what is taught"
    )
    parser.add_argument("--held-out", type=Fold.read, help="to leave out and measure on, e.g. context-business")
    parser.add_argument("--teacher", choices=TEACHERS, default=AS_IS, help="what is left of it")
    parser.add_argument("--observations-per-cell", type=int, help="how many are drawn; all of them unless given")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--checkpoints", type=Path, required=True, help="where an interrupted training leaves off")
    parser.add_argument("--output", type=Path, required=True, help="adapter folder")
    parser.add_argument("--output-manifest", type=Path, required=True)
    parser.add_argument("--curve", type=Path, required=True)
    parser.add_argument("--output-loss-report", type=Path, required=True, help="what the loss looked at")
    LocalModel.add_arguments(parser)
    Recipe.add_arguments(parser)
    arguments = parser.parse_args()

    recipe, local = Recipe.from_arguments(arguments), LocalModel.from_arguments(arguments)
    taught, held_out, invalid = read_examples(arguments, recipe.target)
    if not taught:
        raise UserError(f"{arguments.replies}: no readable reply to learn from")

    started = time.monotonic()
    local.check()

    import torch

    from tom.models.language_models import load_model, load_tokenizer, pick_device
    from tom.training.gauss_newton import find_choices, refine
    from tom.training.loss_report import describe_loss
    from tom.training.objective import pack_examples
    from tom.training.trainer import add_adapter, checkpoint_folder, checkpoint_name, say, train_adapter

    torch.set_num_threads(local.threads)
    tokenizer = load_tokenizer(local.weights)
    chance = frozenset(file.stem for file in arguments.uniform_target_files)
    write_json(arguments.output_loss_report, describe_loss(tokenizer, taught, invalid, chance))
    batches, measured = (
        [pack_examples(tokenizer, group, recipe.tokens_per_pack) for group in group_examples(examples)]
        for examples in (taught, held_out)
    )
    tokens = sum(batch.tokens() for batch in batches)
    say(f"{len(taught)} prompts in {len(batches)} batches, {tokens} tokens a pass")

    model = add_adapter(load_model(local.weights, pick_device()), recipe, arguments.seed)
    say_loaded(started)
    texts = [[example.group, example.messages, example.replies] for example in taught]
    name = checkpoint_name(
        code_sha256("train_adapter.py"), local.sha256, recipe.as_dict(), arguments.seed, str(arguments.held_out), texts
    )
    with checkpoint_folder(arguments.checkpoints / name) as folder:
        curve = train_adapter(model, batches, measured, recipe, arguments.seed, folder)
        if recipe.gauss_newton_steps:
            curve = refine(
                model, find_choices(tokenizer, taught), batches, measured, recipe.gauss_newton_steps, folder, curve
            )
        with atomic_folder(arguments.output) as temporary:
            model.save_pretrained(temporary)
            make_portable(temporary / "adapter_config.json")
            # PEFT's card names the weights' path and says nothing of this training.
            (temporary / "README.md").unlink()
        write_curve(arguments.curve, curve)
        write_manifest(arguments.output_manifest, arguments.output, source=local.sha256)


def make_portable(config: Path) -> None:
    """Take this machine's path out of the adapter's configuration: its bytes depend on the training alone."""
    settings = json.loads(config.read_text())
    settings["base_model_name_or_path"] = None
    # PEFT keeps the layers in a set, whose order is another in each process.
    if isinstance(settings["target_modules"], list):
        settings["target_modules"].sort()
    config.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    run_main(main)
