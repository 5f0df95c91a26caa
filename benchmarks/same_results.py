"""Do two results folders hold the same results? Adapters by their bytes, shards and tables by their values.

python benchmarks/same_results.py BEFORE AFTER --columns elicitation=prompt_format --values coin=chance

Folders may be laid out differently: an adapter or a shard of BEFORE must have an equal one somewhere in AFTER, and a
table an equal one of the same name. Ends with status 1, and names what differs, unless all do.
"""

import argparse
import hashlib
import sys
from collections import defaultdict
from pathlib import Path

import polars as pl

TABLE_FOLDERS = ("tables", "paper")


def renames(words: list[str]) -> dict[str, str]:
    """old=new words as a mapping."""
    return dict(word.split("=", 1) for word in words)


def normalised(file: Path, columns: dict[str, str], values: dict[str, str]) -> pl.DataFrame:
    """A Parquet file with its columns and its words by their new names, columns in alphabetical order."""
    frame = pl.read_parquet(file, hive_partitioning=False)
    frame = frame.rename({old: new for old, new in columns.items() if old in frame.columns})
    words = [name for name, dtype in frame.schema.items() if dtype == pl.String or isinstance(dtype, pl.Enum)]
    replaced = [pl.col(name).cast(pl.String).replace(values) for name in words]
    return frame.with_columns(replaced).select(sorted(frame.columns))


def content(frame: pl.DataFrame) -> str:
    """Hash of a frame's columns, types and values; floats with all their digits."""
    text = f"{frame.schema}\n{frame.write_csv(null_value='null')}"
    return hashlib.sha256(text.encode()).hexdigest()


def first_difference(before: pl.DataFrame, after: pl.DataFrame) -> str:
    """Where two tables differ, in words."""
    if before.columns != after.columns:
        return f"columns {sorted(set(before.columns) ^ set(after.columns))}"
    if before.height != after.height:
        return f"{before.height} rows, {after.height} after"
    for name in before.columns:
        if not before[name].equals(after[name], null_equal=True):
            rows = [row for row in range(before.height) if before[name][row] != after[name][row]]
            if rows:
                return f"column {name}, row {rows[0]}: {before[name][rows[0]]}, {after[name][rows[0]]} after"
    return "types"


def compare_by_content(kind: str, before: list[tuple[Path, str]], after: list[tuple[Path, str]]) -> list[str]:
    """Files of BEFORE without an equal one in AFTER; both as (file, hash)."""
    known = {found for _, found in after}
    missing = [f"{file}: no equal {kind}" for file, found in before if found not in known]
    print(f"{kind}s: {len(before) - len(missing)} of {len(before)} have an equal one")
    return missing


def compare_tables(before: Path, after: Path, columns: dict[str, str], values: dict[str, str]) -> list[str]:
    """Tables of BEFORE without an equal one of the same name in AFTER."""
    found = defaultdict(list)
    for file in tables_of(after):
        found[values.get(file.stem, file.stem)].append(file)
    wrong = []
    files = tables_of(before)
    for file in files:
        table = normalised(file, columns, values)
        others = found[values.get(file.stem, file.stem)]
        # The same folder first: its difference is the one to show.
        others = sorted(others, key=lambda other: other.parent.name != file.parent.name)
        frames = [normalised(other, {}, {}) for other in others]
        if not any(content(frame) == content(table) for frame in frames):
            wrong.append(f"{file}: {first_difference(table, frames[0]) if frames else 'no such table'}")
    print(f"tables: {len(files) - len(wrong)} of {len(files)} have an equal one")
    return wrong


def tables_of(folder: Path) -> list[Path]:
    """The tables below a results folder."""
    return sorted(
        file for file in folder.rglob("*.parquet") if set(TABLE_FOLDERS) & set(file.relative_to(folder).parts)
    )


def hashed_adapters(folder: Path) -> list[tuple[Path, str]]:
    """Weights of adapters, each with the hash of its bytes."""
    files = sorted(folder.rglob("adapter_model.safetensors"))
    return [(file, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files]


def hashed_shards(folder: Path, columns: dict[str, str], values: dict[str, str]) -> list[tuple[Path, str]]:
    """Shards, each with the hash of its values."""
    files = sorted(file for file in folder.rglob("*.parquet") if "shards" in file.relative_to(folder).parts)
    return [(file, content(normalised(file, columns, values))) for file in files]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="results folder")
    parser.add_argument("after", type=Path, help="results folder")
    parser.add_argument("--columns", nargs="*", default=[], metavar="OLD=NEW", help="columns that were renamed")
    parser.add_argument("--values", nargs="*", default=[], metavar="OLD=NEW", help="words in cells, or tables' names")
    arguments = parser.parse_args()
    columns, values = renames(arguments.columns), renames(arguments.values)
    before, after = arguments.before, arguments.after
    wrong = [
        *compare_by_content("adapter", hashed_adapters(before), hashed_adapters(after)),
        *compare_by_content("shard", hashed_shards(before, columns, values), hashed_shards(after, {}, {})),
        *compare_tables(before, after, columns, values),
    ]
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
