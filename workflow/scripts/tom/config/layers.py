"""A config out of its files, each laid on those before it, and the file that a message is about.

Snakemake merges files key by key. A file that names another model would so inherit what was meant for the one before:
its size, precision or engine. Here another model needs all of its keys. A key that is null is dropped, unless null is
one of its values.
"""

import re
from collections.abc import Iterable
from copy import deepcopy
from typing import Any, NamedTuple

from tom.core.yaml_files import load_schema

MODELS = ("teacher", "student")
SOURCES = ("wheel", "wheels", "hub", "folder")
WITHOUT_WEIGHTS = ("recorded", "computed", "openai")
"""Engines of teachers that answer without weights: another of them is another teacher."""
COMMAND_LINE = "--config"
_PATH = r"[a-z_0-9]+(?:[.][A-Za-z_0-9-]+)*"
_KEYS = re.compile(rf"(?P<paths>{_PATH}(?:, {_PATH})*): |")
_UNKNOWN = re.compile(r"unknown key '(\w+)'")
_DROPPED = re.compile(r"missing key '(\w+)'$")


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


def complete(config: dict[str, Any]) -> None:
    """What follows the merging of files: null keys are dropped, and a model's endpoint gets its schema's defaults.

    A default that is written out makes the same config, so it has the same shards.
    """
    drop_nulls(config)
    keys = load_schema("config")["$defs"]["model"]["properties"]["endpoint"]["properties"]
    defaults = {key: entry["default"] for key, entry in keys.items() if "default" in entry}
    for model in (config.get(role) for role in MODELS):
        if isinstance(model, dict) and model.get("engine") == "openai" and isinstance(model.get("endpoint"), dict):
            model["endpoint"] = defaults | model["endpoint"]


def at_fault(message: str, names: str, layers: list[Layer]) -> str:
    """The message with the one file that each line is about: the last that sets the line's key, or most of its path.

    A line may begin with several keys, with commas between them; it then has the file of each.
    names: of all files, as the message has them.
    """
    return "\n".join(_at_fault(line, names, layers) for line in message.splitlines())


def _at_fault(line: str, names: str, layers: list[Layer]) -> str:
    if not line.startswith(f"{names}: "):
        return line
    rest = line.removeprefix(f"{names}: ")
    paths = [path.split(".") for path in (_KEYS.match(rest)["paths"] or "").split(", ")]
    if unknown := _UNKNOWN.search(rest):
        paths[-1].append(unknown[1])
    # Of the first level: the key of a section may be missing since another file replaced the section.
    if dropped := _DROPPED.match(rest):
        paths[-1].append(dropped[1])
    found = [_file_of([key for key in path if key], layers) for path in paths]
    # With none of the path in any file, such as a key that is missing, all of them are meant.
    if not all(found):
        return line
    role = paths[0][0]
    why = "; another model needs all of its keys" if role in MODELS and rest.startswith(f"{role}: missing") else ""
    why = "; null drops it" if dropped else why
    return f"{', '.join(dict.fromkeys(found))}: {rest}{why}"


def _file_of(path: list[str], layers: list[Layer]) -> str | None:
    """The last file that sets most of a path; None if none sets any of it."""
    depths = [_depth(layer.config, path) for layer in layers]
    if not path or not any(depths):
        return None
    return max(zip(depths, range(len(layers)), layers, strict=True))[2].name


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
