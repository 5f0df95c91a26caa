"""A cell, or the cells of a block of games, how they are sampled, and their shard by one of the procedures.

A procedure is a module of this package, loaded by its name so that a shard's code depends on no other. It defines
- `observe(engine, files, settings, fields) -> rows`: what an engine (tom/engines/interface.py) answers about a cell.
  files: CellFiles; settings: SamplingSettings; fields: columns that all rows share, of which `model`, `game` and
  `context` seed the draws;
- `COLUMNS`: the columns of its shards.

A shard's client imports this module, which imports nothing large; a resident engine does the work of `make_shard`.
"""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from tom.core.flags import add_flags, from_flags
from tom.engines.interface import Engine
from tom.games.names import members

CHOICES, FREE_REPLIES, NUMBERS = "choices", "free_replies", "numbers"


@dataclass(frozen=True)
class Cell:
    """One model in one game, or block of games, and context, asked in one prompt format."""

    model: str = field(metadata={"help": "the model's name in this run"})
    game: str = field(metadata={"help": "its name, with its scale, or that of a block"})
    game_file: Path
    context_file: Path
    prompt_format_file: Path

    def fields(self) -> dict[str, str]:
        """The columns that every row of the cell's shard shares."""
        return {
            "model": self.model,
            "game": self.game,
            "context": self.context_file.stem,
            "prompt_format": self.prompt_format_file.stem,
        }


@dataclass(frozen=True)
class SamplingSettings:
    """How a cell is sampled. option_orders: none where no options are listed; top_p: of free replies alone."""

    observations: int
    temperature: float
    seed: int
    top_p: float = field(default=1.0, metadata={"help": "of free replies; 1 cuts nothing off"})
    option_orders: tuple[str, ...] = field(default=(), metadata={"help": "listing orders, asked in equal shares"})
    labels_file: Path | None = field(default=None, metadata={"help": "what the options are called (default: C and D)"})


def add_sampling_flags(parser: ArgumentParser, *procedures: str) -> None:
    """The flags of a shard by one of these procedures; `read_sampling_flags` reads them."""
    parser.add_argument("--procedure", choices=procedures, required=True, help="a module of tom/sampling")
    add_flags(parser, Cell)
    add_flags(parser, SamplingSettings)
    parser.add_argument("--output", required=True, help="the shard, Parquet")


def read_sampling_flags(parser: ArgumentParser, arguments: Namespace) -> tuple[Cell, SamplingSettings]:
    """The cell and how it is sampled; ends the script if the procedure needs option orders and there are none."""
    settings = from_flags(SamplingSettings, arguments)
    if arguments.procedure != NUMBERS and not settings.option_orders:
        parser.error(f"--procedure {arguments.procedure} needs --option-orders")
    return from_flags(Cell, arguments), settings


def load_procedure(name: str) -> ModuleType:
    """The module of a procedure."""
    return import_module(f"tom.sampling.{name}")


def observe_cell(engine: Engine, procedure: str, cell: Cell, settings: SamplingSettings, fields: dict) -> list[dict]:
    """The rows of the cell's shard, of each game of a block in turn. fields: columns beside the cell's.

    Errors: UserError.
    """
    from tom.prompts.cells import CellFiles

    observe, rows = load_procedure(procedure).observe, []
    for game in members(cell.game):
        files = CellFiles(game, cell.game_file, cell.context_file, cell.prompt_format_file)
        rows += observe(engine, files, settings, cell.fields() | fields | {"game": game})
    return rows


def make_shard(engine: Engine, **what: Any) -> tuple[bytes, int]:
    """The cell's shard as the bytes of its file, and its number of rows. what: as for observe_cell.

    `template` of the fields, the config's section as JSON, is the file's metadata and part of prompt_sha256.
    """
    from tom.sampling.shards import shard_bytes

    rows = observe_cell(engine, **what)
    metadata = {name: what["fields"][name] for name in ("template",) if name in what["fields"]}
    return shard_bytes(rows, load_procedure(what["procedure"]).COLUMNS, metadata or None), len(rows)
