"""Files of result tables: each as Parquet for programs and, beside it, as CSV for people and LaTeX for papers."""

import argparse
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from tom.core.errors import UserError
from tom.core.files import atomic_file, log_written
from tom.reporting.wording import counted


def latex_table(table: pl.DataFrame, digits: int = 3) -> str:
    """A longtable with its header on each page: text escaped, numbers flush right, floats to `digits` decimal places.

    Null is an en dash. The Parquet file has all digits.
    """
    # pandas takes half a second to import, and reading tables does not need it.
    import pandas as pd

    # Column by column and as objects, so that null and nan stay distinct and whole numbers stay whole.
    frame = pd.DataFrame({name: pd.Series(table[name].to_list(), dtype=object) for name in table.columns})
    style = frame.style.format(precision=digits, na_rep="--", escape="latex").format_index(
        escape="latex", axis="columns"
    )
    aligned = "".join("r" if dtype.is_numeric() else "l" for dtype in table.dtypes)
    return style.hide(axis="index").to_latex(column_format=aligned, hrules=True, environment="longtable")


PRINTED = {
    "alignment": ("split", "view", "measure", "predictor", "gap", "gap_closed", "low", "high"),
    "generalisation": ("split", "view", "measure", "predictor", "against", "contexts", "lead", "low", "high", "p_holm"),
    "sensitivities": (
        "split", "view", "model", "quantity", "factor", "level", "estimate", "low", "high", "p_holm",
    ),
}  # fmt: skip
"""Table → the columns of its LaTeX, where all of them are wider than any page: those that carry the result."""

TEXT_WIDTH = 455.0
"""Of a page, in TeX's points: 160 mm."""
SIZES = {r"\normalsize": 10, r"\small": 9, r"\footnotesize": 8, r"\scriptsize": 7}
"""Command → the size of the type in points, the largest first."""
SEPARATION = 3
"""Points on either side of a column of a printed table."""


def printed_latex(table: pl.DataFrame, columns: Iterable[str]) -> str:
    """The LaTeX of some columns, in the largest type in which they fit TEXT_WIDTH, or else in the smallest."""
    table = table.select(columns)
    text = latex_table(table)
    rows = [re.split(r"(?<!\\)&", line.removesuffix(r"\\")) for line in text.splitlines() if " & " in line]
    widest = [max(len(cell.strip().replace("\\", "")) for cell in column) for column in zip(*rows, strict=True)]
    spaces = 2 * SEPARATION * len(widest)
    # A character is half as wide as its type is large, by and large.
    fitting = (name for name, size in SIZES.items() if sum(widest) * size / 2 + spaces <= TEXT_WIDTH)
    size = next(fitting, list(SIZES)[-1])
    return f"\\begingroup{size}\\setlength{{\\tabcolsep}}{{{SEPARATION}pt}}\n{text}\\endgroup\n"


def markdown_table(header: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of an aligned table; the first column is flush left, the others are flush right."""
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


def write_table(table: pl.DataFrame, file: Path, latex: str | None = None, reported: bool = True) -> None:
    """Write a table as Parquet to a file, and as CSV and LaTeX beside it.

    latex: in place of the `latex_table`. reported: whether stderr says so.
    """
    with atomic_file(file) as temporary:
        table.write_parquet(temporary, compression="zstd", statistics=False)
    with atomic_file(file.with_suffix(".csv")) as temporary:
        table.write_csv(temporary)
    with atomic_file(file.with_suffix(".tex")) as temporary:
        temporary.write_text(latex or latex_table(table))
    if reported:
        log_written(file, f"{counted(table.height, 'row')}, and as CSV and LaTeX")


def add_table_flags(parser: argparse.ArgumentParser, tables: Iterable[str]) -> None:
    """Add one required flag for each table, with the file to write it to."""
    for name in tables:
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")


def write_tables(tables: Mapping[str, pl.DataFrame], arguments: argparse.Namespace) -> None:
    """Write tables by name to the files of add_table_flags, all in one folder, and report them in one line."""
    for name, table in tables.items():
        write_registered(name, table, getattr(arguments, name), reported=False)
    (folder,) = {getattr(arguments, name).parent for name in tables}
    log_written(folder, f"{counted(len(tables), 'table')}, each as Parquet, CSV and LaTeX")


def write_registered(name: str, table: pl.DataFrame, file: Path, reported: bool = True) -> None:
    """Write a table of the registry: in LaTeX those of its columns that are printed. reported: as for write_table."""
    write_table(table, file, printed_latex(table, PRINTED[name]) if name in PRINTED else None, reported)


def read_table(*files: str | Path) -> pl.DataFrame:
    """One table from several files of the same columns. Errors: UserError names a file that can't be read."""
    return pl.concat([_read(file) for file in files])


def _read(file: str | Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(file)
    except FileNotFoundError:
        raise UserError(f"{file}: no such table") from None
    except pl.exceptions.PolarsError:
        raise UserError(f"{file}: not a Parquet table") from None
