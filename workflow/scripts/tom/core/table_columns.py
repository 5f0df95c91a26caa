"""The registry of tables, workflow/schemas/tables.yaml: who writes each table, and what its columns mean.

Plain YAML and no polars, since the Snakefile imports this module whenever it is parsed. tom/core/frames.py gives the
columns as polars types.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

REGISTRY = Path(__file__).resolve().parents[3] / "schemas" / "tables.yaml"


class Column(NamedTuple):
    """What is known of a column: the name of its polars type, its unit (empty for none) and its meaning."""

    type: str
    unit: str
    meaning: str


class Heading(NamedTuple):
    """How a page shows a table: the title, and the line below it (empty for none)."""

    title: str
    caption: str


@cache
def read_registry(file: Path = REGISTRY) -> dict:
    """The registry: `common` columns, and `tables` by name. Errors: OSError, yaml.YAMLError."""
    return yaml.load(file.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def describe_columns(table: str, file: Path = REGISTRY) -> dict[str, Column]:
    """Column → what is known of it, in the table's order; those that it takes over from another table included.

    Errors: KeyError for a table or a common column that is not registered.
    """
    registry = read_registry(file)
    entry = registry["tables"][table]

    def own(part: str) -> dict[str, Column]:
        columns = entry.get(part, {})
        return {name: Column(*(column or registry["common"][name])) for name, column in columns.items()}

    return own("before") | (describe_columns(entry["like"], file) if "like" in entry else {}) | own("columns")


def column_types(table: str) -> dict[str, str]:
    """Column → the name of its polars type, in the table's order. Errors: KeyError as in `describe_columns`."""
    return {name: column.type for name, column in describe_columns(table).items()}


def tables_made_by(script: str) -> tuple[str, ...]:
    """The tables that a script of workflow/scripts writes, in the registry's order. script: without its suffix.

    Errors: ValueError for a script that writes none.
    """
    tables = read_registry()["tables"]
    made = tuple(name for name, entry in tables.items() if script in _listed(entry.get("made_by", [])))
    if not made:
        raise ValueError(f"{script}: writes no table of {REGISTRY.name}")
    return made


def headings() -> dict[str, Heading]:
    """Table → its heading, of the tables that a page shows, in the order of the page."""
    tables = read_registry()["tables"]
    return {
        name: Heading(entry["title"], entry.get("caption", "")) for name, entry in tables.items() if "title" in entry
    }


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
