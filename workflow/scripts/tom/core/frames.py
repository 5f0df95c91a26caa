"""Frames of registered tables: their columns as polars types, and rows as a frame of these columns."""

from collections.abc import Iterable, Mapping

import polars as pl

from tom.core.roles import role
from tom.core.table_columns import column_types


def table_schema(table: str) -> dict[str, pl.DataType]:
    """Column → polars type of a table of workflow/schemas/tables.yaml, in its order.

    Call it by this name and with a literal string. tom/core/code.py then counts the table's columns as part of the
    code, so that a new column reruns the jobs that write the table, while a new meaning reruns nothing.
    Errors: KeyError for a table that is not registered; ValueError for one with an enumeration, whose values the
    registry does not hold.
    """
    types = column_types(table)
    if enumerations := [name for name, kind in types.items() if kind == "Enum"]:
        raise ValueError(f"{table}: the registry has no values of {', '.join(enumerations)}")
    return {name: getattr(pl, kind)() for name, kind in types.items()}


def frame_of(rows: Iterable[Mapping], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Rows as a frame of a schema: null for what a row lacks or has as nan; what the schema lacks is left out."""
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema).fill_nan(None)


def roles_of(column: str = "model") -> pl.Expr:
    """The role of each model named in a column: `tuned` for every tuned student."""
    return pl.col(column).map_elements(role, return_dtype=pl.String)
