"""The shard: one Parquet file for one (model, game, context), or for the games of a block in one context.

Two kinds of rows share its columns (see COLUMNS). A `score` row gives the exact probabilities of one variant, if the
engine has logits. An `observation` row is one reply in one variant. Settings and hashes of the whole shard are columns
as well, so that a single row still says where it is from.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import polars as pl

from tom.core.errors import UserError
from tom.core.files import atomic_file, log_written
from tom.core.library_errors import first_line
from tom.parsing.outcomes import FINISHES, OUTCOMES
from tom.sampling.shard_paths import unpack_paths

ACTIONS = ("cooperate", "defect")

COLUMNS: dict[str, pl.DataType] = {
    "record": pl.Enum(["score", "observation"]),
    "model": pl.String(),  # teacher, base, tuned-seed1, ...
    "game": pl.String(),
    "context": pl.String(),
    "prompt_format": pl.String(),
    "order": pl.String(),  # cooperation_first or cooperation_last: which option is listed first
    "cooperation_label": pl.String(),  # the letter that means cooperation
    "prompt_sha256": pl.String(),  # tom/prompts/prompts.py; null for a recorded teacher
    "tokens_sha256": pl.String(),  # of the prompt as the model saw it; null where no model of this machine did
    "observation": pl.Int32(),  # number within the shard; null in score rows
    "raw": pl.String(),  # the reply as given; null in score rows and where counts were recorded
    "action": pl.Enum(ACTIONS),  # null in score rows and for a reply that can't be read
    "outcome": pl.Enum(OUTCOMES),  # read, or why the reply could not be; null in score rows
    "rule": pl.String(),  # the rule that read the reply, or found that it can't be read; null in score rows
    "finish": pl.Enum(FINISHES),  # why a free reply ended; null without one
    "reply_tokens": pl.Int32(),  # of a free reply, its end of turn included; null without one
    "p_cooperate": pl.Float64(),  # exact probability among the options, at the temperature
    "option_mass": pl.Float64(),  # probability that an unconstrained reply begins with an option, at temperature 1
    "temperature": pl.Float64(),
    "top_p": pl.Float64(),  # of free replies; null without them
    "seed": pl.Int64(),
    "engine": pl.String(),
    "model_sha256": pl.String(),
    "adapter_sha256": pl.String(),
}

LATER = ("tokens_sha256",)
"""Columns that shards of earlier versions lack. They are read as null: such a shard may hold answers that were paid."""

_OF_CHOICES = ("order", "cooperation_label", "action", "p_cooperate")

NUMBER_COLUMNS: dict[str, pl.DataType] = {
    **{name: dtype for name, dtype in COLUMNS.items() if name not in _OF_CHOICES},
    "number": pl.Int32(),  # in score rows what is scored; null for a reply that can't be read
    "probability": pl.Float64(),  # exact, among all numbers, at the temperature; null in observation rows
}
"""A shard of a game in which a number is named: a score row for each number, if the engine has logits."""


def shard_bytes(
    rows: list[dict], columns: dict[str, pl.DataType] = COLUMNS, metadata: dict[str, str] | None = None
) -> bytes:
    """The file of a shard with these rows; a column that a row lacks is null.

    columns: COLUMNS or NUMBER_COLUMNS. metadata: of the whole file, beside its rows.
    """
    # Column by column: a frame made of rows silently turns a word that an Enum doesn't know into a null.
    frame = pl.DataFrame([pl.Series(name, [row.get(name) for row in rows], columns[name]) for name in columns])
    stream = BytesIO()
    frame.write_parquet(stream, compression="zstd", statistics=False, metadata=metadata)
    return stream.getvalue()


def add_shard_flags(parser: ArgumentParser) -> None:
    """The flags of a script that writes the shard of a teacher that no engine asks: its cell, and the file."""
    parser.add_argument("--model", required=True, help="the model's name in this run")
    parser.add_argument("--game", required=True, help="a game or a block of games")
    parser.add_argument("--context", required=True)
    parser.add_argument("--prompt-format", required=True)
    parser.add_argument("--output", required=True)


def shared_columns(arguments: Namespace) -> dict[str, str]:
    """The columns that all rows of such a shard share; of a block of games, `game` is each row's own."""
    return {name: getattr(arguments, name) for name in ("model", "game", "context", "prompt_format")}


def write_shard(
    file: str | Path,
    rows: list[dict],
    columns: dict[str, pl.DataType] = COLUMNS,
    metadata: dict[str, str] | None = None,
) -> None:
    """Write rows as a shard, whole or not at all. columns, metadata: as for shard_bytes."""
    content = shard_bytes(rows, columns, metadata)
    with atomic_file(file) as temporary:
        temporary.write_bytes(content)
    log_written(file, f"{len(rows)} rows")


def read_shard(file: str | Path, columns: dict[str, pl.DataType] = COLUMNS) -> pl.DataFrame:
    """Read a shard of these columns. Errors: UserError if it is missing, damaged or of another shape."""
    with _named(file):
        frame = pl.read_parquet(file, glob=False, hive_partitioning=False)
    _check_shape(file, frame.schema, columns)
    absent = [pl.lit(None, columns[name]).alias(name) for name in LATER if name not in frame.columns]
    return frame.with_columns(absent).select(list(columns))


@contextmanager
def _named(file: str | Path) -> Iterator[None]:
    """Turn what polars raises for an unreadable file into a UserError that names it."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{file}: no such shard") from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise UserError(f"{file}: damaged shard ({first_line(error)}); delete it and run again") from None


def _check_shape(file: str | Path, schema: pl.Schema, columns: dict[str, pl.DataType]) -> None:
    if dict(schema) not in (columns, {name: dtype for name, dtype in columns.items() if name not in LATER}):
        differing = sorted(set(schema.items()) ^ set(columns.items()), key=str)
        raise UserError(f"{file}: not a shard of this version; differing columns: {differing}; delete it and run again")


def read_shards(files: list[str] | list[Path], columns: dict[str, pl.DataType] = COLUMNS) -> pl.DataFrame:
    """Read many shards of these columns into one frame.

    files: paths, or words that unpack_paths knows. Errors: as read_shard.
    """
    return pl.concat([read_shard(file, columns) for file in unpack_paths(files)])


@contextmanager
def scanned_shards(*lists: list[str] | list[Path]) -> Iterator[list[pl.LazyFrame]]:
    """One lazy frame for each list of shards, read in pieces each time that the body collects it.

    lists: as for read_shards. Errors: as read_shard; damage counts only in columns that the body asks for.
    """
    files = [list(unpack_paths(words)) for words in lists]
    every = list(dict.fromkeys(file for each in files for file in each))
    for file in every:
        with _named(file):
            schema = pl.read_parquet_schema(file)
        _check_shape(file, schema, COLUMNS)
    try:
        yield [
            pl.scan_parquet(each, schema=COLUMNS, glob=False, hive_partitioning=False, missing_columns="insert")
            for each in files
        ]
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        # Only reading each one tells which is damaged.
        for file in every:
            read_shard(file)
        raise
