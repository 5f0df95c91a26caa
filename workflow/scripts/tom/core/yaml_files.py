"""YAML documents, validated against the JSON schemas in workflow/schemas."""

import math
from collections.abc import Iterable
from contextlib import suppress
from copy import deepcopy
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from tom.core.errors import UserError

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"

RENAMED_KEYS = {
    "config": {
        "elicitation": "prompt_format",
        "orders": "option_orders",
        "compared_elicitations": "compared_prompt_formats",
        "training.supervision": "training.target",
        "training.orders": "training.option_orders",
        "training.letters": "training.label_mapping",
        "training.unanswered": "training.uniform_target_contexts",
        "training.passes": "training.epochs",
        "training.refinements": "training.gauss_newton_steps",
    }
}
"""Schema → dotted path of a key in earlier versions → its path now."""

RENAMED_VALUES = {
    "config": {
        "training.target": {
            "choices": "label",
            "replies": "full_reply",
            "other_motivations": "shuffled_motivation",
        },
        "training.label_mapping": {"as_asked": "original", "exchanged_too": "both"},
    }
}
"""Schema → dotted path of a key → its values in earlier versions, and what each is called now."""


def _is_number(_, value: Any) -> bool:
    """Finite numbers only: YAML has NaN and infinity, JSON has neither."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(_, value: Any) -> bool:
    """JSON Schema accepts 10.0 as an integer, but the scripts' flags do not."""
    return isinstance(value, int) and not isinstance(value, bool)


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"number": _is_number, "integer": _is_integer}
    ),
)


# libyaml where it is there: the parser in Python took a sixth of every start of Snakemake.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _OnceLoader(_Loader):
    """Refuses a key that is given twice, of which YAML would drop the first without a word."""

    def construct_mapping(self, node, deep=False):
        seen: dict[Any, int] = {}
        scalars = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode) and not key.tag.endswith(":merge")]
        for key_node in scalars:
            key, line = self.construct_object(key_node), key_node.start_mark.line + 1
            if key in seen:
                raise _GivenTwice(f"{key!r} is given in line {seen[key]} and again in line {line}")
            seen[key] = line
        return super().construct_mapping(node, deep)


class _GivenTwice(ValueError):
    pass


_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


@cache
def load_schema(name: str) -> dict[str, Any]:
    """The schema in workflow/schemas/{name}.schema.yaml."""
    return yaml.load((SCHEMAS / f"{name}.schema.yaml").read_text(encoding="utf-8"), _Loader)


def describe(error: jsonschema.ValidationError, file: str, definition: dict[str, Any]) -> str:
    """Describe one violation in one line: file, key, what is wrong, and what is allowed.

    definition: the whole schema, of which the error's is a part.
    """
    key = ".".join(str(part) for part in error.absolute_path)
    where = f"{file}: {key}: " if key else f"{file}: "
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(known))
        meant = _meant(unknown, known, key, definition)
        return f"{where}unknown key {', '.join(map(repr, unknown))}{meant} (allowed: {', '.join(known)})"
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{where}missing key {', '.join(map(repr, missing))}"
    if error.validator == "enum":
        return f"{where}{error.instance!r} is not allowed (allowed: {', '.join(map(str, error.validator_value))})"
    if error.validator == "pattern":
        # A keyword of our own: what the pattern says, in words.
        return f"{where}{error.instance!r} is not allowed (allowed: {error.schema['allowed']})"
    if error.validator == "type":
        return f"{where}{_how_to_write(error) or f'{error.instance!r} is not allowed (allowed: {_kinds(error)})'}"
    if error.validator in _BOUNDS:
        return f"{where}{error.instance!r} is not allowed (allowed: {_range(error.schema)})"
    if error.validator == "minProperties":
        known = ", ".join(sorted(error.schema.get("properties", {})))
        return f"{where}nothing is in it (allowed: {known or 'an entry'})"
    if error.validator == "not":
        return f"{where}{error.schema['description']}"
    return f"{where}{error.message}"


def _meant(unknown: list[str], known: list[str], where: str, definition: dict[str, Any]) -> str:
    """What a user may have meant by unknown keys: a key of another section, or one that is spelt nearly so."""
    elsewhere = [path for path in _paths(definition) if path.rpartition(".")[2] in unknown and path != where]
    near = [path for key in unknown for path in get_close_matches(key, known, 1, cutoff=0.75)]
    found = near or elsewhere
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _paths(schema: dict[str, Any], above: str = "") -> list[str]:
    """The dotted paths of all keys that a schema names, without those of models."""
    paths = []
    for key, below in schema.get("properties", {}).items():
        paths += [f"{above}{key}", *_paths(below, f"{above}{key}.")]
    return paths


def _range(schema: dict[str, Any]) -> str:
    """The numbers that a schema allows, in words."""
    bounds = [f"{sign} {schema[name]}" for name, sign in _BOUNDS.items() if name in schema]
    return f"a {'whole ' if schema.get('type') == 'integer' else ''}number {' and '.join(bounds)}"


def _kinds(error: jsonschema.ValidationError) -> str:
    """The types of values that a schema allows, in words."""
    allowed = error.validator_value
    lowest = f" ≥ {error.schema['minimum']}" if "minimum" in error.schema else ""
    words = {"integer": f"a whole number{lowest}", "number": f"a number{lowest}", "boolean": "true or false"}
    words |= {"object": "a section of keys and values", "array": "a list", "string": "text"}
    return " or ".join(words.get(kind, kind) for kind in ([allowed] if isinstance(allowed, str) else allowed))


def _how_to_write(error: jsonschema.ValidationError) -> str | None:
    """How a value is written that YAML reads as another type than was meant; None for any other value."""
    value, allowed = error.instance, error.validator_value
    if value is None:
        return f"null is not allowed (allowed: {_kinds(error)})"
    if isinstance(value, str) and allowed in ("number", "integer"):
        with suppress(ValueError):
            number = repr(float(value)) if allowed == "number" else str(int(value))
            # YAML reads 1e-3 as text: a number in scientific notation needs a point.
            written = number if "." in number else number.replace("e", ".0e")
            return f"{value!r} is text in YAML, not of type {allowed!r} (write {written})"
    if allowed == "array" and isinstance(value, int | float | str):
        return f"{value!r} is no list (write [{value}])"
    return None


def check(document: Any, schema: str, file: str, definition: dict[str, Any] | None = None) -> None:
    """Validate a document against the schema of a name, or against another definition of it.

    Errors: UserError lists every renamed key and every violation, one per line.
    """
    document, renamed = apply_renames(document, schema)
    definition = definition or load_schema(schema)
    validator = _Validator(definition)
    errors = sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.absolute_path)))
    if lines := [f"{file}: {line}" for line in renamed] + [describe(error, file, definition) for error in errors]:
        raise UserError("\n".join(_merge_missing(dict.fromkeys(lines))))


def _merge_missing(lines: Iterable[str]) -> list[str]:
    """The lines, with one for all keys that a section lacks: parts of a schema each tell of their own."""
    merged: dict[str, str] = {}
    for line in lines:
        where, missing, keys = line.partition(": missing key ")
        key = f"{where}{missing}" if missing else line
        merged[key] = f"{merged[key]}, {keys}" if key in merged else line
    return [*merged.values()]


def apply_renames(document: Any, schema: str) -> tuple[Any, list[str]]:
    """The document with its current keys and values, and one line for each one that was renamed.

    A current key takes precedence over its earlier name.
    """
    document, lines = deepcopy(document), []
    values = RENAMED_VALUES.get(schema, {})
    for old, new in RENAMED_KEYS.get(schema, {}).items():
        section, key, new_key = _section(document, old), old.rpartition(".")[2], new.rpartition(".")[2]
        if key not in section:
            continue
        value = section.pop(key)
        if current := _renamed(value, values.get(new, {})):
            lines.append(f"{old}: {value} is now {new}: {current}")
        else:
            lines.append(f"{old} is now {new}")
        section.setdefault(new_key, current or value)
    for path, names in values.items():
        section, key = _section(document, path), path.rpartition(".")[2]
        if current := _renamed(section.get(key), names):
            lines.append(f"{path}: {section[key]} is now {current}")
            section[key] = current
    return document, lines


def _section(document: Any, path: str) -> dict[str, Any]:
    """The mapping that holds the last key of a dotted path; empty if the document has none there."""
    for part in path.split(".")[:-1]:
        document = document.get(part) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _renamed(value: Any, names: dict[str, str]) -> str | None:
    return names.get(value) if isinstance(value, str) else None


def read_checked(file: str | Path, schema: str) -> dict[str, Any]:
    """Read and validate a YAML file. Errors: UserError if it is missing, not YAML, or violates the schema."""
    document = read_document(file, schema)
    check(document, schema, str(file))
    return document


def read_document(file: str | Path, what: str) -> Any:
    """Read a YAML file.

    what: the kind of file, for the error message. A byte order mark is left out. Errors: UserError if the file is
    missing or not YAML, or gives a key twice.
    """
    try:
        return _load(Path(file).read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(f"{file}: no such {what} file") from None
    except _GivenTwice as error:
        raise UserError(f"{file}: {error} (allowed: each key once)") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise UserError(f"{file}: not YAML: line {mark.line + 1}, column {mark.column + 1}: {error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: not YAML: {' '.join(str(error).split())}") from None


def _load(text: str) -> Any:
    """Parse YAML. Errors: YAMLError, _GivenTwice."""
    try:
        return yaml.load(text, _OnceLoader)
    except yaml.MarkedYAMLError:
        # The parser in Python names the place itself, where libyaml names the line below it.
        yaml.compose(text, yaml.SafeLoader)
        raise
