"""Train one LoRA adapter on the teacher's choices.

Reads the teacher's in-sample shards; `--held-out CONTEXT` leaves one context out and measures on it after
each pass. Writes the adapter with its manifest, the training curve, and what the loss looked at.
"""

import argparse
import json
from pathlib import Path

from tom.cells import CellFiles
from tom.code import code_sha256
from tom.errors import BadInput, run_main
from tom.files import whole_file, whole_folder, write_json
from tom.games import split_scale
from tom.lessons import Lesson, choice_lessons, count_choices, group_lessons
from tom.local_model import LocalModel
from tom.model_folders import write_manifest
from tom.recipe import Recipe
from tom.shards import read_shard


def read_lessons(arguments: argparse.Namespace) -> tuple[list[Lesson], int]:
    """The lessons of every shard, and how many observations could not be read."""
    games = {file.stem: file for file in arguments.game_files}
    contexts = {file.stem: file for file in arguments.context_files}
    lessons, invalid = [], 0
    for file in arguments.shards:
        shard = read_shard(file)
        if shard.is_empty():
            raise BadInput(f"{file}: no observations")
        game, context = shard["game"][0], shard["context"][0]
        files = CellFiles(game, games[split_scale(game)[0]], contexts[context], arguments.elicitation_file)
        lessons += choice_lessons(files, shard, arguments.orders)
        invalid += count_choices(shard)["invalid"]
    return lessons, invalid


def write_curve(file: Path, curve: list[dict]) -> None:
    """The training curve as CSV."""
    import polars as pl

    types = {"validation_loss": pl.Float64}
    with whole_file(file) as temporary:
        pl.DataFrame(curve, schema_overrides=types, infer_schema_length=None).write_csv(temporary)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="the teacher's shards")
    parser.add_argument("--game-files", type=Path, nargs="+", required=True)
    parser.add_argument("--context-files", type=Path, nargs="+", required=True)
    parser.add_argument("--elicitation-file", type=Path, required=True)
    parser.add_argument("--orders", nargs="+", required=True, help="listing orders to teach")
    parser.add_argument("--held-out", help="context to leave out and measure on")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--checkpoints", type=Path, required=True, help="where an interrupted training leaves off")
    parser.add_argument("--output", type=Path, required=True, help="adapter folder")
    parser.add_argument("--output-manifest", type=Path, required=True)
    parser.add_argument("--curve", type=Path, required=True)
    parser.add_argument("--supervision", type=Path, required=True)
    LocalModel.add_arguments(parser)
    Recipe.add_arguments(parser)
    arguments = parser.parse_args()

    recipe, local = Recipe.from_arguments(arguments), LocalModel.from_arguments(arguments)
    lessons, invalid = read_lessons(arguments)
    taught = [lesson for lesson in lessons if lesson.context != arguments.held_out and lesson.replies]
    held_out = [lesson for lesson in lessons if lesson.context == arguments.held_out and lesson.replies]
    if not taught:
        raise BadInput(f"{arguments.shards[0].parent}: no readable reply to learn from")
    local.check()

    import torch

    from tom.language_models import load_model, load_tokenizer, pick_device
    from tom.objective import pack_lessons
    from tom.supervision import describe_supervision
    from tom.training import add_adapter, checkpoint_folder, checkpoint_name, say, train_adapter

    torch.set_num_threads(local.threads)
    tokenizer = load_tokenizer(local.weights)
    write_json(arguments.supervision, describe_supervision(tokenizer, taught, invalid))
    batches = [pack_lessons(tokenizer, group) for group in group_lessons(taught)]
    measured = [pack_lessons(tokenizer, group) for group in group_lessons(held_out)]
    tokens = sum(len(batch.trie.tokens) for batch in batches)
    say(f"{len(taught)} prompts in {len(batches)} batches, {tokens} tokens a pass")

    model = add_adapter(load_model(local.weights, pick_device()), recipe, arguments.seed)
    texts = [[lesson.group, lesson.messages, lesson.replies] for lesson in taught]
    name = checkpoint_name(
        code_sha256("train_adapter.py"), local.sha256, recipe.as_dict(), arguments.seed, arguments.held_out, texts
    )
    with checkpoint_folder(arguments.checkpoints / name) as folder:
        curve = train_adapter(model, batches, measured, recipe, arguments.seed, folder)
        with whole_folder(arguments.output) as temporary:
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
