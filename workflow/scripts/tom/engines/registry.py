"""Local engines by name: the engine NAME is the module tom/engines/NAME_engine.py, and adding the file registers it.

Such a module defines
- `Settings`: a frozen dataclass of the engine's options. Every field has a default, and metadata in the words of JSON
  schema: `description`, and `enum`, `minimum`, `exclusiveMinimum` or `maximum` where they apply;
- `check(settings, model_config, where)`: raises UserError if this engine can't serve the model here. model_config: the
  model's section of the config; where: how a message names that section;
- `open_engine(model)`: a LocalModel as an Engine (tom/engines/interface.py), its files checked;
- `CHANGES_ADAPTERS = True`, if one loaded model serves all students of a base. Its Engine has the method
  `use_adapter(model)`: it answers as `model` from then on, which differs at most in its adapter, with the same bits as
  if it had been opened for it. After an error it is not asked again.

Importing it brings in nothing large. Engines are loaded by name alone, so that no other module's code depends on them:
an edit of an engine reruns only what was asked of it.
"""

from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from tom.core.errors import UserError

SUFFIX = "_engine"
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def engine_names() -> tuple[str, ...]:
    """The local engines, in alphabetical order."""
    files = Path(__file__).parent.glob(f"*{SUFFIX}.py")
    return tuple(sorted(file.stem.removesuffix(SUFFIX) for file in files))


def module_of(name: str) -> str:
    """The module of an engine, as a plugin of `code_sha256`. Errors: UserError if there is no such engine."""
    if name not in engine_names():
        raise UserError(f"'{name}' is no local engine (allowed: {', '.join(engine_names())})")
    return f"tom.engines.{name}{SUFFIX}"


def load_engine(name: str) -> ModuleType:
    """The module of an engine. Errors: UserError if there is no such engine."""
    return import_module(module_of(name))


def changes_adapters(name: str) -> bool:
    """Whether an engine can go on with another adapter. Errors: UserError if there is no such engine."""
    return getattr(load_engine(name), "CHANGES_ADAPTERS", False)


def settings_schema(name: str) -> dict[str, Any]:
    """JSON schema of an engine's section of the config. Errors: UserError if there is no such engine."""
    properties = {}
    for field in fields(load_engine(name).Settings):
        if field.default is MISSING:
            raise TypeError(f"{module_of(name)}: Settings.{field.name} has no default")
        properties[field.name] = {"type": TYPES[field.type], **field.metadata}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def settings_of(name: str, section: dict[str, Any]) -> Any:
    """An engine's Settings from its section of the config, defaults filled in; the section's values are not checked.

    Errors: UserError if there is no such engine, or the section has a key that the engine doesn't know.
    """
    settings = load_engine(name).Settings
    known = {field.name: field.type for field in fields(settings)}
    if unknown := sorted(set(section) - set(known)):
        raise UserError(f"{name}: unknown key {', '.join(map(repr, unknown))} (allowed: {', '.join(known) or 'none'})")
    # YAML and JSON may write 1 for 1.0, and both must name the same engine.
    return settings(**{key: float(value) if known[key] is float else value for key, value in section.items()})
