"""Result tables: Parquet for programs and, beside each, the same as CSV for people and LaTeX for papers."""

from pathlib import Path

import polars as pl

from tom.core.errors import UserError
from tom.core.files import atomic_file, log_written


def latex_table(table: pl.DataFrame, digits: int = 3) -> str:
    """A longtable with a head on each page: text escaped, numbers flush right, floats to `digits` after the point.

    Null is an en dash. The Parquet file beside it has all digits.
    """
    # pandas takes half a second to import, and readers of tables have no use for it.
    import pandas as pd

    # Column by column and as objects: null and nan stay apart, whole numbers stay whole.
    frame = pd.DataFrame({name: pd.Series(table[name].to_list(), dtype=object) for name in table.columns})
    style = frame.style.format(precision=digits, na_rep="--", escape="latex").format_index(
        escape="latex", axis="columns"
    )
    aligned = "".join("r" if dtype.is_numeric() else "l" for dtype in table.dtypes)
    return style.hide(axis="index").to_latex(column_format=aligned, hrules=True, environment="longtable")


def markdown_table(header: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of an aligned table; the first column is flush left, all others flush right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def line(row: list[str]) -> str:
        first, *rest = (text.ljust if column == 0 else text.rjust for column, text in enumerate(row))
        return (
            "| "
            + " | ".join([first(widths[0]), *(pad(width) for pad, width in zip(rest, widths[1:], strict=True))])
            + " |"
        )

    return [line(row) for row in [header, rule, *rows]]


def write_table(table: pl.DataFrame, file: Path) -> None:
    """Write a table as Parquet and, beside it, as CSV and as LaTeX."""
    with atomic_file(file) as temporary:
        table.write_parquet(temporary, compression="zstd", statistics=False)
    with atomic_file(file.with_suffix(".csv")) as temporary:
        table.write_csv(temporary)
    with atomic_file(file.with_suffix(".tex")) as temporary:
        temporary.write_text(latex_table(table))
    log_written(file, f"{table.height} rows, and as CSV and LaTeX")


def read_table(*files: str | Path) -> pl.DataFrame:
    """Read one table or several of the same columns as one. Errors: UserError names the file."""
    return pl.concat([_read(file) for file in files])


def _read(file: str | Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(file)
    except FileNotFoundError:
        raise UserError(f"{file}: no such table") from None
    except pl.exceptions.PolarsError:
        raise UserError(f"{file}: no table in Parquet format") from None
