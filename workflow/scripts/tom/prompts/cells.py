"""A cell is what one shard observes: a game in a context, asked in some variants."""

from dataclasses import dataclass
from pathlib import Path

from tom.games.game import load_game
from tom.prompts.contexts import load_context
from tom.prompts.prompts import Messages, load_prompt_format, render
from tom.prompts.variants import Variant


@dataclass(frozen=True)
class CellFiles:
    """Where a cell's texts lie, and its game's name (with its scale)."""

    game: str
    game_file: Path
    context_file: Path
    prompt_format_file: Path


def render_variants(files: CellFiles, variants: list[Variant]) -> list[Messages]:
    """The cell's messages in each variant. Errors: UserError names the file and the key."""
    game = load_game(files.game_file, files.game)
    context = load_context(files.context_file)
    prompt_format = load_prompt_format(files.prompt_format_file)
    return [render(prompt_format, game, context, variant) for variant in variants]
