"""A config out of its files, each laid on those before it, and the file that a message is about.

Snakemake merges files key by key. A file that names another model would so inherit what was meant for the one before:
its size, precision or engine. Here another model needs all of its keys. A key that is null is dropped, unless null is
one of its values.
"""

import re
from collections.abc import Iterable
from copy import deepcopy
from typing import Any, NamedTuple

MODELS = ("teacher", "student")
SOURCES = ("wheel", "wheels", "hub", "folder")
WITHOUT_WEIGHTS = ("recorded", "computed", "openai")
"""Engines of teachers that answer without weights: another of them is another teacher."""
COMMAND_LINE = "--config"
_KEY = re.compile(r"(?P<path>[a-z_0-9]+(?:[.][A-Za-z_0-9-]+)*): |")
_UNKNOWN = re.compile(r"unknown key '(\w+)'")


class Layer(NamedTuple):
    """A config file, or what the command line said. name: for messages."""

    name: str
    config: dict[str, Any]


def merge(layers: Iterable[Layer]) -> dict[str, Any]:
    """One config: later layers win key by key, but another model replaces the one before with all of its keys."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for role in MODELS:
            if _is_another(layer.config.get(role), merged.get(role)):
                del merged[role]
        _update(merged, deepcopy(layer.config))
    return merged


def start_models_anew(config: dict[str, Any], layers: list[Layer]) -> None:
    """Give a config that Snakemake merged the models that `merge` makes of the same layers.

    A config that is not made of these layers, such as one that another workflow hands over, stays as it is.
    """
    plain: dict[str, Any] = {}
    for layer in layers:
        _update(plain, deepcopy(layer.config))
    if plain == config:
        config |= merge(layers)


def drop_nulls(config: dict[str, Any]) -> None:
    """Drop null keys of the config, and of its sections of named things: so a file drops what one before it has."""
    for section in (config, *(config.get(name) for name in ("splits", "students", *MODELS))):
        if isinstance(section, dict):
            for key in [key for key, value in section.items() if value is None]:
                del section[key]


def at_fault(message: str, names: str, layers: list[Layer]) -> str:
    """The message with the one file that each line is about: the last that sets the line's key, or most of its path.

    names: of all files, as the message has them.
    """
    return "\n".join(_at_fault(line, names, layers) for line in message.splitlines())


def _at_fault(line: str, names: str, layers: list[Layer]) -> str:
    if not line.startswith(f"{names}: "):
        return line
    rest = line.removeprefix(f"{names}: ")
    path = (_KEY.match(rest)["path"] or "").split(".")
    if unknown := _UNKNOWN.search(rest):
        path.append(unknown[1])
    path = [key for key in path if key]
    depths = [_depth(layer.config, path) for layer in layers]
    # With none of the path in any file, such as a key that is missing, all of them are meant.
    if not path or not any(depths):
        return line
    name = max(zip(depths, range(len(layers)), layers, strict=True))[2].name
    why = (
        "; another model needs all of its keys" if path[0] in MODELS and rest.startswith(f"{path[0]}: missing") else ""
    )
    return f"{name}: {rest}{why}"


def _depth(config: Any, path: list[str]) -> int:
    """How many keys of a path a config has, one below the other."""
    for depth, key in enumerate(path):
        if not isinstance(config, dict) or key not in config:
            return depth
        config = config[key]
    return len(path)


def _is_another(section: Any, before: Any) -> bool:
    """Whether a model's section of a file describes another model than the files before."""
    if not isinstance(section, dict) or not isinstance(before, dict):
        return False
    engine, engine_before = section.get("engine", before.get("engine")), before.get("engine")
    if engine != engine_before and {engine, engine_before} & set(WITHOUT_WEIGHTS):
        return True
    if engine == "recorded" and "recorded" not in section:
        # What it answers is in its tables, which a game set may have of its own: a name alone changes nothing.
        return False
    return any(key in section and section[key] != before.get(key) for key in ("name", "source", *SOURCES))


def _update(merged: dict[str, Any], layer: dict[str, Any]) -> None:
    for key, value in layer.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            _update(merged[key], value)
        else:
            merged[key] = value
