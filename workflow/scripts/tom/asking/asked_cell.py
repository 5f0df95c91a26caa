"""The flags that say which cell a shard observes and how it is asked, whatever engine answers."""

import argparse
from pathlib import Path

from tom.asking.cells import CellFiles


def add_cell_arguments(parser: argparse.ArgumentParser, listed: bool = True) -> None:
    """The flags; `cell_settings` and `cell_fields` read them. listed: whether options are listed in some order."""
    parser.add_argument("--model", required=True, help="the model's name in this run")
    parser.add_argument("--game", required=True, help="the game's name, with its scale")
    parser.add_argument("--game-file", type=Path, required=True)
    parser.add_argument("--context-file", type=Path, required=True)
    parser.add_argument("--elicitation-file", type=Path, required=True)
    if listed:
        parser.add_argument("--orders", nargs="+", required=True)
    parser.add_argument("--observations", type=int, required=True)
    parser.add_argument("--temperature", type=float, required=True)
    parser.add_argument("--top-p", type=float, default=1.0, help="of free replies; 1 cuts nothing off")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)


def cell_settings(arguments: argparse.Namespace) -> dict:
    """What tom/engines/{choices,free_replies,numbers}.py observe a cell by, top_p left out."""
    return {
        "files": CellFiles(arguments.game, arguments.game_file, arguments.context_file, arguments.elicitation_file),
        **({"orders": arguments.orders} if "orders" in arguments else {}),
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
        "elicitation": arguments.elicitation_file.stem,
    }
