"""The flags that say which cell a shard observes and how it is asked, whatever engine answers."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tom.engines.opening import with_local_engine
from tom.models.local_model import LocalModel
from tom.prompts.cells import CellFiles
from tom.sampling.shards import COLUMNS, write_shard


def add_cell_arguments(parser: argparse.ArgumentParser, listed: bool = True) -> None:
    """The flags; `cell_settings` and `cell_fields` read them. listed: whether options are listed in some order."""
    parser.add_argument("--model", required=True, help="the model's name in this run")
    parser.add_argument("--game", required=True, help="the game's name, with its scale")
    parser.add_argument("--game-file", type=Path, required=True)
    parser.add_argument("--context-file", type=Path, required=True)
    parser.add_argument("--prompt-format-file", type=Path, required=True)
    if listed:
        parser.add_argument("--option-orders", nargs="+", required=True)
    parser.add_argument("--observations", type=int, required=True)
    parser.add_argument("--temperature", type=float, required=True)
    parser.add_argument("--top-p", type=float, default=1.0, help="of free replies; 1 cuts nothing off")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)


def cell_settings(arguments: argparse.Namespace) -> dict:
    """What tom/engines/{choices,free_replies,numbers}.py observe a cell by, top_p left out."""
    return {
        "files": CellFiles(arguments.game, arguments.game_file, arguments.context_file, arguments.prompt_format_file),
        **({"orders": arguments.option_orders} if "option_orders" in arguments else {}),
        "observations": arguments.observations,
        "temperature": arguments.temperature,
        "seed": arguments.seed,
    }


def cell_fields(arguments: argparse.Namespace) -> dict:
    """The columns of the cell, which every row of its shard shares."""
    return {
        "model": arguments.model,
        "game": arguments.game,
        "context": arguments.context_file.stem,
        "prompt_format": arguments.prompt_format_file.stem,
    }


def add_local_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of write_local_shard, beside those of the cell."""
    parser.add_argument("--idle-seconds", type=float, required=True, help="0: no resident engine")
    parser.add_argument("--other-base", action="store_true", help="the adapter was trained on other weights")
    LocalModel.add_arguments(parser)


def write_local_shard(arguments: argparse.Namespace, observe: Callable[..., list[dict]], columns=COLUMNS) -> None:
    """Ask about the cell as `observe` does, and write its shard of these columns.

    The bytes are the same whether a resident engine answered or the model was loaded for this shard alone.
    """
    model = LocalModel.from_arguments(arguments)
    if not arguments.other_base:
        model.check_base()
    fields = {"engine": model.engine, "model_sha256": model.sha256, "adapter_sha256": model.adapter_sha256}
    work = partial(observe, **cell_settings(arguments), fields=cell_fields(arguments) | fields)
    write_shard(arguments.output, with_local_engine(model, arguments.idle_seconds, work), columns)
