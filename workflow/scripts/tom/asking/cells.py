"""A cell is what one shard observes: a game in a context, asked in some variants."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tom.asking.contexts import load_context
from tom.asking.games import load_game
from tom.asking.prompts import Messages, load_elicitation, render
from tom.asking.variants import Variant


@dataclass(frozen=True)
class CellFiles:
    """Where a cell's texts lie, and its game's name (with its scale)."""

    game: str
    game_file: Path
    context_file: Path
    elicitation_file: Path


def render_variants(files: CellFiles, variants: list[Variant]) -> list[Messages]:
    """The cell's messages in each variant. Errors: BadInput names the file and the key."""
    game = load_game(files.game_file, files.game)
    context = load_context(files.context_file)
    elicitation = load_elicitation(files.elicitation_file)
    return [render(elicitation, game, context, variant) for variant in variants]


def share_out(observations: int, variants: int) -> list[int]:
    """Equal shares of the observations; the first variants take what is left over."""
    share, rest = divmod(observations, variants)
    return [share + (index < rest) for index in range(variants)]


def cell_generator(seed: int, *names: str) -> np.random.Generator:
    """An independent random generator for each (seed, names), the same on every machine."""
    digest = hashlib.sha256("\0".join([str(seed), *names]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
