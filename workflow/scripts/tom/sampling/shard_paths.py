"""Paths of many shards as few words: a command line has room for a few thousand paths only.

A word is a path in which braces list alternatives, as in a shell:
results/shards/base-1a2b3c4d/choice-5e6f7a8b/{snowdrift,stag_hunt}/{business,sports}.parquet
"""

import re
from collections.abc import Iterable, Iterator
from itertools import product
from math import prod
from pathlib import Path

_ALTERNATIVES = re.compile(r"\{([^{}]*)\}")


def pack_paths(files: Iterable[str | Path]) -> list[str]:
    """Words for paths that end in {asking}/{game}/{context}.parquet: one where a folder has all combinations of these.

    The paths that a word stands for come game by game.
    """
    folders: dict[Path, dict[tuple[str, ...], None]] = {}
    for path in map(Path, files):
        folders.setdefault(path.parents[2], {})[path.parts[-3:]] = None
    words = []
    for folder, paths in folders.items():
        columns = [list(dict.fromkeys(column)) for column in zip(*paths, strict=True)]
        if prod(map(len, columns)) == len(paths):
            words.append("/".join([str(folder), *map(_alternatives, columns)]))
        else:
            words += [str(folder.joinpath(*path)) for path in paths]
    return words


def _alternatives(names: list[str]) -> str:
    return names[0] if len(names) == 1 else "{" + ",".join(names) + "}"


def unpack_paths(words: Iterable[str | Path]) -> Iterator[str]:
    """The paths that words stand for; a path without braces stands for itself."""
    for word in map(str, words):
        # Fixed pieces and lists in braces alternate.
        pieces = _ALTERNATIVES.split(word)
        choices = [piece.split(",") if at % 2 else [piece] for at, piece in enumerate(pieces)]
        yield from map("".join, product(*choices))
