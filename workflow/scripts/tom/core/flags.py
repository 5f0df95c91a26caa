"""A dataclass as a script's flags: each field is one flag, and its metadata may hold `help`, `choices` and `flag`.

A field is required unless it has a default. Its type is bool, a type that a word can be turned into, such a type or
None, or a tuple of such: `str`, `Path`, `float | None`, `tuple[str, ...]`. `flag` is the flag's name, where it differs
from the field's.
"""

from argparse import ArgumentParser, Namespace
from dataclasses import MISSING, Field, fields
from types import GenericAlias, UnionType
from typing import Any, TypeVar

Data = TypeVar("Data")


def add_flags(parser: ArgumentParser, dataclass: type) -> None:
    """Add a flag for each field; `from_flags` reads them."""
    for field in fields(dataclass):
        options: dict[str, Any] = {key: field.metadata[key] for key in ("help", "choices") if key in field.metadata}
        if field.type is bool:
            options["action"] = "store_true"
        elif isinstance(field.type, GenericAlias):
            options |= {"type": field.type.__args__[0], "nargs": "+"}
        else:
            options["type"] = field.type.__args__[0] if isinstance(field.type, UnionType) else field.type
        if field.default is MISSING:
            options["required"] = True
        else:
            options["default"] = field.default
        parser.add_argument(_flag(field), **options)


def from_flags(dataclass: type[Data], arguments: Namespace) -> Data:
    """The dataclass that parsed flags describe."""
    values = {}
    for field in fields(dataclass):
        value = getattr(arguments, _name(field))
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return dataclass(**values)


def flags_of(instance: Any) -> list[str]:
    """The flags from which `from_flags` makes an equal instance; those at their default are left out."""
    words: list[str] = []
    for field in fields(instance):
        value = getattr(instance, field.name)
        if value == field.default:
            continue
        if isinstance(value, tuple):
            words += [_flag(field), *map(str, value)]
        else:
            words.append(_flag(field) if field.type is bool else f"{_flag(field)}={value}")
    return words


def _name(field: Field) -> str:
    return field.metadata.get("flag", field.name)


def _flag(field: Field) -> str:
    return "--" + _name(field).replace("_", "-")
