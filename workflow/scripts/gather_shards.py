"""Gather the shards of one model into one file.

python workflow/scripts/gather_shards.py --shards S.parquet ... --output T.parquet
"""

import argparse
from pathlib import Path

import polars as pl

from tom.core.errors import UserError, run_main
from tom.core.files import atomic_file, log_written
from tom.sampling.shard_paths import unpack_paths
from tom.sampling.shards import read_shard


def gather(words: list[str]) -> pl.DataFrame:
    """The rows of all shards, context by context, as a study lists its cells: a training's draws follow their order.

    words: …/{game}/{context}.parquet, as unpack_paths knows them. Errors: UserError names a shard that is unreadable or
    empty.
    """
    files = [Path(file) for file in unpack_paths(words)]
    contexts = list(dict.fromkeys(file.stem for file in files))
    shards = []
    for file in sorted(files, key=lambda file: contexts.index(file.stem)):
        shards.append(read_shard(file))
        if shards[-1].is_empty():
            raise UserError(f"{file}: no observations")
    return pl.concat(shards)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", nargs="+", required=True)
    parser.add_argument("--output", type=Path, required=True, help="Parquet")
    arguments = parser.parse_args()
    rows = gather(arguments.shards)
    with atomic_file(arguments.output) as temporary:
        rows.write_parquet(temporary, compression="zstd", statistics=False)
    log_written(arguments.output, f"{rows.height} rows")


if __name__ == "__main__":
    run_main(main)
