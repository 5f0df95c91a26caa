"""YAML documents checked against the JSON schemas in workflow/schemas."""

import math
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from tom.core.errors import UserError

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"


def _is_number(_, value: Any) -> bool:
    """JSON has no NaN and no infinity; YAML has both."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(_, value: Any) -> bool:
    """JSON takes 10.0 for an integer; the scripts' flags don't."""
    return isinstance(value, int) and not isinstance(value, bool)


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"number": _is_number, "integer": _is_integer}
    ),
)


@cache
def load_schema(name: str) -> dict[str, Any]:
    """The schema called `name`: workflow/schemas/{name}.schema.yaml."""
    return yaml.safe_load((SCHEMAS / f"{name}.schema.yaml").read_text())


def describe(error: jsonschema.ValidationError, file: str) -> str:
    """One line for one violation: file, key, what is wrong, what is allowed."""
    key = ".".join(str(part) for part in error.absolute_path)
    where = f"{file}: {key}: " if key else f"{file}: "
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(known))
        return f"{where}unknown key {', '.join(map(repr, unknown))} (allowed: {', '.join(known)})"
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{where}missing key {', '.join(map(repr, missing))}"
    if error.validator == "enum":
        return f"{where}{error.instance!r} is not allowed (allowed: {', '.join(map(str, error.validator_value))})"
    if error.validator == "pattern" and "description" in error.schema:
        return f"{where}{error.message} ({error.schema['description']})"
    if error.validator == "not":
        return f"{where}{error.schema['description']}"
    return f"{where}{error.message}"


def check(document: Any, schema: str, file: str) -> None:
    """Raise UserError with every violation of the schema, one a line."""
    validator = _Validator(load_schema(schema))
    errors = sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        raise UserError("\n".join(dict.fromkeys(describe(error, file) for error in errors)))


def read_checked(file: str | Path, schema: str) -> dict[str, Any]:
    """Read a YAML file and check it. Errors: UserError if it is missing, no YAML, or breaks the schema."""
    document = read_document(file, schema)
    check(document, schema, str(file))
    return document


def read_document(file: str | Path, what: str) -> Any:
    """Read a YAML file. Errors: UserError if it is missing or no YAML; what: the file is, for the message."""
    try:
        return yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(f"{file}: no such {what} file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: not YAML: {' '.join(str(error).split())}") from None
