"""The schema of the config: workflow/schemas/config.schema.yaml, with the engines that are registered."""

from copy import deepcopy
from typing import Any

from tom.core.yaml_files import load_schema
from tom.engines.registry import engine_names, settings_schema


def config_schema() -> dict[str, Any]:
    """JSON schema of a whole config: every local engine may answer for a model, with its own section of settings."""
    schema = deepcopy(load_schema("config"))
    model = schema["$defs"]["model"]["properties"]
    engines = list(engine_names())
    model["engine"]["enum"] = [*model["engine"]["enum"], *engines]
    schema["properties"]["student"]["properties"]["engine"]["enum"] = engines
    for name in engines:
        settings = settings_schema(name)
        if settings["properties"]:
            about = f"How {name} serves the model, where it is the engine; every key has a default."
            model[name] = {"description": about, **settings}
    return schema
