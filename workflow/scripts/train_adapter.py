"""Train one LoRA adapter on the teacher's replies.

Reads the teacher's in-sample shards, gathered in one file. `--held-out FOLD` leaves out e.g. one context and measures
the loss on it after each epoch. `--teacher` and `--observations-per-cell` train on an ablated teacher or on fewer
replies. The contexts of `--uniform-target-files` have uniform targets. Writes the adapter with its manifest, the
training curve, and a report of what the loss sees. `--anchors` are answers of the base that are to stay.
"""

import argparse
import json
import time
from pathlib import Path

import polars as pl

from tom.core.code import code_sha256
from tom.core.errors import UserError, run_main
from tom.core.files import atomic_file, atomic_folder, write_json
from tom.core.flags import add_flags, from_flags
from tom.core.job_times import say_loaded
from tom.engines.devices import take_devices, torch_device
from tom.engines.local_model import LocalModel
from tom.games.names import file_stem
from tom.models.model_folders import write_manifest
from tom.prompts.cells import CellFiles
from tom.prompts.prompts import load_prompt_format
from tom.prompts.variants import LABELS
from tom.sampling.shards import NUMBER_COLUMNS, read_shard
from tom.training.ablations import ablate, subsample
from tom.training.anchors import among_groups, anchor_examples
from tom.training.examples import TrainingExample, cell_examples, count_choices, orders_of, weighted_replies
from tom.training.folds import Fold
from tom.training.recipe import AS_IS, BOTH, FULL_REPLY, LABEL_MAPPINGS, SHUFFLED_MOTIVATION, TEACHERS, Recipe
from tom.training.uniform_targets import Cell, uniform_target_cells


def read_cells(arguments: argparse.Namespace) -> list[tuple[CellFiles, pl.DataFrame]]:
    """The files and the rows of each cell, in the order of the gathered shards."""
    games = {file.stem: file for file in arguments.game_files}
    contexts = {file.stem: file for file in arguments.context_files}
    cells = []
    by_cell = read_shard(arguments.replies).partition_by("game", "context", maintain_order=True, as_dict=True)
    for (game, context), shard in by_cell.items():
        files = CellFiles(game, games[file_stem(game)], contexts[context], arguments.prompt_format_file)
        cells.append((files, shard))
    return cells


def first_games(
    cells: list[tuple[CellFiles, pl.DataFrame]], number: int | None
) -> list[tuple[CellFiles, pl.DataFrame]]:
    """The cells of the first games, in all of their contexts; None for all games."""
    games = list(dict.fromkeys(files.game for files, _ in cells))[:number]
    return [(files, shard) for files, shard in cells if files.game in games]


def label_pair(text: str) -> tuple[str, str]:
    """The labels of the first and of the second action, from `C,D`."""
    first, second = text.split(",")
    return first, second


def read_examples(
    arguments: argparse.Namespace, target: str
) -> tuple[list[TrainingExample], list[TrainingExample], int]:
    """The training examples, those of the held-out cells, and the number of unreadable replies.

    target: one of TARGETS (tom/training/recipe.py). Held-out cells are measured on all of the teacher's own replies
    and lend no motivations to the training examples.
    """
    training, held_out = [], []
    cells = first_games(read_cells(arguments), arguments.taught_games)
    # Of all replies: a few drawn ones may be of one order by chance.
    by_order = len({order for _, shard in cells for order in orders_of(shard)}) > 1
    for files, shard in cells:
        left_out = arguments.held_out and arguments.held_out.holds((files.game, files.context_file.stem))
        (held_out if left_out else training).append((files, shard))
    if arguments.observations_per_cell is not None:
        number = arguments.observations_per_cell
        training = [(files, subsample(shard, number, arguments.seed)) for files, shard in training]
    shards = ablate(arguments.teacher, [shard for _, shard in training], arguments.seed)
    training = [(files, shard) for (files, _), shard in zip(training, shards, strict=True)]

    form = load_prompt_format(arguments.prompt_format_file).form
    replies = cell_replies(training, target, form, arguments.seed, by_order)
    replies += uniform_target_cells(replies, arguments.uniform_target_files, form)
    measured_target = FULL_REPLY if target == SHUFFLED_MOTIVATION else target
    measured = cell_replies(held_out, measured_target, form, arguments.seed, by_order)
    examples, held_out_examples = (
        [
            example
            for files, found in cells
            for example in cell_examples(
                files, found, arguments.option_orders, arguments.label_mapping, arguments.label_pairs
            )
        ]
        for cells in (replies, measured)
    )
    return examples, held_out_examples, sum(count_choices(shard)["invalid"] for _, shard in training + held_out)


def prompts_left_out(examples: list[TrainingExample], arguments: argparse.Namespace) -> int:
    """How many prompts of the cells of all examples have no reply in their option order."""
    mappings = 1 + (arguments.label_mapping == BOTH)
    variants = len(arguments.option_orders) * len(arguments.label_pairs) * mappings
    return len({example.cell for example in examples}) * variants - len(examples)


def cell_replies(
    cells: list[tuple[CellFiles, pl.DataFrame]], target: str, form: str, seed: int, by_order: bool
) -> list[Cell]:
    """The files and the replies to learn of each cell that has readable replies. by_order: as for weighted_replies."""
    replies = weighted_replies([shard for _, shard in cells], target, form, seed, by_order)
    return [(files, found) for (files, _), found in zip(cells, replies, strict=True) if found]


def write_curve(file: Path, curve: list[dict]) -> None:
    """Write the training curve as CSV; None becomes an empty field."""
    types = {"learning_rate": pl.Float64, "validation_loss": pl.Float64}
    with atomic_file(file) as temporary:
        pl.DataFrame(curve, schema_overrides=types, infer_schema_length=None).write_csv(temporary)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replies", type=Path, required=True, help="the teacher's shards in one file")
    parser.add_argument("--game-files", type=Path, nargs="+", required=True)
    parser.add_argument("--context-files", type=Path, nargs="+", required=True)
    parser.add_argument(
        "--uniform-target-files", type=Path, nargs="*", default=[], help="contexts with uniform targets"
    )
    parser.add_argument("--anchors", type=Path, nargs="*", default=[], help="shards of the base, to which it is kept")
    parser.add_argument("--anchor-texts", type=Path, nargs="*", default=[], help="files of the anchors' prompts")
    parser.add_argument("--anchor-weight", type=float, default=0.5, help="replies of an anchor, in those of a prompt")
    parser.add_argument("--prompt-format-file", type=Path, required=True)
    parser.add_argument("--option-orders", nargs="+", required=True, help="option orders of the training prompts")
    parser.add_argument(
        "--label-mapping", choices=LABEL_MAPPINGS, required=True, help="what the letters mean in the training prompts"
    )
    parser.add_argument(
        "--label-pairs", type=label_pair, nargs="+", default=[LABELS], help="labels in the training prompts, as C,D"
    )
    parser.add_argument("--held-out", type=Fold.read, help="fold to leave out and measure on, e.g. context-business")
    parser.add_argument("--teacher", choices=TEACHERS, default=AS_IS, help="ablation of the teacher")
    parser.add_argument("--observations-per-cell", type=int, help="replies drawn for each cell (default: all)")
    parser.add_argument("--taught-games", type=int, help="the first games of the replies (default: all)")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument(
        "--checkpoints", type=Path, required=True, help="folder that an interrupted training resumes from"
    )
    parser.add_argument("--output", type=Path, required=True, help="adapter folder")
    parser.add_argument("--output-manifest", type=Path, required=True)
    parser.add_argument("--curve", type=Path, required=True)
    parser.add_argument("--output-loss-report", type=Path, required=True, help="report of what the loss sees")
    LocalModel.add_arguments(parser)
    add_flags(parser, Recipe)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    recipe, local = from_flags(Recipe, arguments), LocalModel.from_arguments(arguments)
    examples, held_out, invalid = read_examples(arguments, recipe.target)
    if not examples:
        raise UserError(f"{arguments.replies}: no readable reply to learn from")

    shards = [read_shard(file, NUMBER_COLUMNS) for file in arguments.anchors]
    anchors = anchor_examples(shards, arguments.anchor_texts, examples, arguments.anchor_weight)
    take_devices(local.gpus)
    started = time.monotonic()
    device = torch_device(local.gpus)
    local.check()

    # torch takes seconds to import, so errors in the input are reported before.
    import torch

    from tom.models.language_models import load_model, load_tokenizer, require_usable
    from tom.models.model_checks import check_room, check_target_modules
    from tom.training.gauss_newton import pack_choices, take_gauss_newton_steps
    from tom.training.loss_report import describe_loss
    from tom.training.objective import tokenise
    from tom.training.trainer import add_adapter, checkpoint_folder, checkpoint_name, log, pack_groups, train_epochs

    torch.set_num_threads(local.threads)
    tokenizer = load_tokenizer(local.weights, local.template)
    uniform_target_contexts = frozenset(file.stem for file in arguments.uniform_target_files)
    write_json(
        arguments.output_loss_report, describe_loss(tokenizer, examples, invalid, uniform_target_contexts, anchors)
    )
    rows, held_out_rows = (tokenise(tokenizer, found) for found in (examples, held_out))
    groups = list(dict.fromkeys(row.group for row in rows))
    rows += among_groups([tokenise(tokenizer, [anchor]) for anchor in anchors], groups)
    check_target_modules(require_usable(local.weights), recipe.modules())
    check_room(local.weights, [len(row.prompt) + len(row.reply) for row in rows + held_out_rows])
    held_out_batches = pack_groups(held_out_rows, recipe.tokens_per_pack)
    log(f"{len(examples)} prompts with {sum(row.count for row in rows):.12g} replies, {len(rows)} of them distinct")

    if left_out := prompts_left_out(examples, arguments):
        log(f"{left_out} prompts more are left out: the teacher has no readable reply in their option order")

    model = add_adapter(load_model(local.weights, device), recipe, arguments.seed)
    say_loaded(started)
    texts: list = [] if local.template is None else [local.template]
    texts += [[example.group, example.messages, example.replies] for example in examples + anchors]
    name = checkpoint_name(
        code_sha256("train_adapter.py"), local.sha256, recipe.as_dict(), arguments.seed, str(arguments.held_out), texts
    )
    with checkpoint_folder(arguments.checkpoints / name) as folder:
        curve = train_epochs(model, rows, held_out_batches, recipe, arguments.seed, folder)
        if steps := recipe.gauss_newton_steps:
            choices, batches = pack_choices(tokenizer, examples), pack_groups(rows, recipe.tokens_per_pack)
            curve = take_gauss_newton_steps(model, choices, batches, held_out_batches, steps, folder, curve)
        with atomic_folder(arguments.output) as temporary:
            model.save_pretrained(temporary)
            make_portable(temporary / "adapter_config.json")
            # PEFT's model card contains the path of the weights and nothing about this training.
            (temporary / "README.md").unlink()
        write_curve(arguments.curve, curve)
        write_manifest(arguments.output_manifest, arguments.output, source=local.sha256)


def make_portable(config: Path) -> None:
    """Remove what differs between machines and processes from an adapter's configuration file.

    Its bytes then depend on the training alone.
    """
    settings = json.loads(config.read_text())
    settings["base_model_name_or_path"] = None
    # PEFT keeps the layer names in a set, whose order differs between processes.
    if isinstance(settings["target_modules"], list):
        settings["target_modules"].sort()
    config.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    run_main(main)
