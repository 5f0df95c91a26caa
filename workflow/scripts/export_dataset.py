"""Export all observations and exact probabilities of a run as one data set: Parquet, a card, Croissant metadata.

python workflow/scripts/export_dataset.py --choices in_sample S.parquet ... --numbers public_goods N.parquet ... \
    --about '{"experiment": "main", "models": {"teacher": "..."}}' --template C.jinja --output FOLDER
"""

import argparse
import json
from pathlib import Path

import polars as pl

from tom.core.errors import run_main
from tom.core.files import atomic_folder, log_written, write_json
from tom.core.table_columns import Column, describe_columns
from tom.export.croissant import croissant
from tom.export.model_card import render_card
from tom.reporting.tables import markdown_table
from tom.sampling.shards import COLUMNS, NUMBER_COLUMNS, read_shards

KINDS = {"choices": ("shards", COLUMNS), "numbers": ("number_shards", NUMBER_COLUMNS)}
"""File of the data set → the table that describes its columns, and their types."""
SPLIT = Column("String", "", "set of cells that the row's cell belongs to; a cell of two splits has its rows twice")


def write_shards(file: Path, splits: list[list[str]], columns: dict) -> pl.DataFrame:
    """Write the shards of all splits to one file, and return how many rows each model has in each split."""
    counts, parts = [], []
    for split, *shards in splits:
        rows = read_shards(shards, columns).select(pl.lit(split).alias("split"), pl.all())
        parts.append(rows)
        counts.append(rows.group_by("split", "model", "record", maintain_order=True).len("rows"))
    pl.concat(parts).write_parquet(file, compression="zstd", statistics=False)
    return pl.concat(counts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for kind in KINDS:
        parser.add_argument(f"--{kind}", nargs="+", action="append", default=[], help="a split, and its shards")
    parser.add_argument("--about", type=json.loads, required=True, help="experiment and models, JSON")
    parser.add_argument("--template", type=Path, required=True, help="of the card")
    parser.add_argument("--output", type=Path, required=True, help="folder")
    arguments = parser.parse_args()
    about = arguments.about
    with atomic_folder(arguments.output) as folder:
        tables, counts = {}, []
        for kind, (described, columns) in KINDS.items():
            if splits := getattr(arguments, kind):
                file = folder / f"{kind}.parquet"
                counts.append(write_shards(file, splits, columns))
                tables[file] = {"split": SPLIT} | describe_columns(described)
        description = f"Answers of {', '.join(about['models'].values())} to games in social contexts, one row each."
        write_json(folder / "croissant.json", croissant(f"ToM Transfer: {about['experiment']}", description, tables))
        rows = [[row["split"], row["model"], row["record"], str(row["rows"])] for row in pl.concat(counts).to_dicts()]
        text = render_card(
            arguments.template,
            **about,
            description=description,
            files=[file.name for file in tables],
            rows="\n".join(markdown_table(["split", "model", "record", "rows"], rows)),
            columns={file.name: columns for file, columns in tables.items()},
        )
        (folder / "README.md").write_text(text, encoding="utf-8")
    log_written(arguments.output, "data set")


if __name__ == "__main__":
    run_main(main)
