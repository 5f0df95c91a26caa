"""A cell, the unit of one shard: a game in a context, asked in several variants."""

from dataclasses import dataclass
from pathlib import Path

from tom.games.game import load_game
from tom.prompts.contexts import load_context
from tom.prompts.prompts import Messages, load_prompt_format, render
from tom.prompts.variants import Variant


@dataclass(frozen=True)
class CellFiles:
    """The files of a cell, and the name of its game, including order, scale and shift."""

    game: str
    game_file: Path
    context_file: Path
    prompt_format_file: Path


def render_variants(files: CellFiles, variants: list[Variant]) -> list[Messages]:
    """Render the cell in each variant. Errors: UserError names the file and the key."""
    game = load_game(files.game_file, files.game)
    context = load_context(files.context_file)
    prompt_format = load_prompt_format(files.prompt_format_file)
    return [render(prompt_format, game, context, variant) for variant in variants]
