"""The columns of every table, as workflow/schemas/tables.yaml registers them: type, unit and meaning."""

from functools import cache
from pathlib import Path

import yaml

REGISTRY = Path(__file__).resolve().parents[3] / "schemas" / "tables.yaml"


@cache
def read_registry() -> dict:
    """The registry: `common` columns, and `tables` by name."""
    return yaml.load(REGISTRY.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def column_types(table: str) -> dict[str, str]:
    """Column → the name of its polars type, in order. Errors: KeyError for a table or a column that is not registered."""
    registry = read_registry()
    columns = registry["tables"][table]["columns"]
    return {name: (entry or registry["common"][name])[0] for name, entry in columns.items()}
