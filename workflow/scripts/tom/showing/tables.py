"""Result tables: Parquet for programs and, beside each, the same as CSV for people and LaTeX for papers."""

from pathlib import Path

import polars as pl

from tom.errors import BadInput
from tom.files import say_wrote, whole_file
from tom.showing.latex_tables import latex_table


def write_table(table: pl.DataFrame, file: Path) -> None:
    """Write a table as Parquet and, beside it, as CSV and as LaTeX."""
    with whole_file(file) as temporary:
        table.write_parquet(temporary, compression="zstd", statistics=False)
    with whole_file(file.with_suffix(".csv")) as temporary:
        table.write_csv(temporary)
    with whole_file(file.with_suffix(".tex")) as temporary:
        temporary.write_text(latex_table(table))
    say_wrote(file, f"{table.height} rows, and as CSV and LaTeX")


def read_table(*files: str | Path) -> pl.DataFrame:
    """Read one table or several of the same columns as one. Errors: BadInput names the file."""
    return pl.concat([_read(file) for file in files])


def _read(file: str | Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(file)
    except FileNotFoundError:
        raise BadInput(f"{file}: no such table") from None
    except pl.exceptions.PolarsError:
        raise BadInput(f"{file}: no table in Parquet format") from None
