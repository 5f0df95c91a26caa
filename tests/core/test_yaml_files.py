"""Documents and schemas: what a message says, and that the schemas themselves are sound."""

from copy import deepcopy
from pathlib import Path

import jsonschema
import pytest
import yaml

from tom.core.errors import UserError
from tom.core.yaml_files import SCHEMAS, check, load_schema, read_checked

NAMES = sorted(file.name.removesuffix(".schema.yaml") for file in SCHEMAS.glob("*.schema.yaml"))
LOCAL = ["weights must be at hand", "allowed: wheel, wheels, hub or folder, by student.source"]
GAME = {"family": "stag_hunt", "payoffs": {"T": 5, "R": 10, "P": 3, "S": 2}}
CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())


def without(document: dict, *path: str) -> dict:
    """A copy of the document that lacks the key at the path."""
    copy = deepcopy(document)
    inner = copy
    for part in path[:-1]:
        inner = inner[part]
    del inner[path[-1]]
    return copy


def changed(document: dict, value, *path: str) -> dict:
    """A copy of the document with another value at the path."""
    copy = deepcopy(document)
    inner = copy
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return copy


def wheels(**other: str) -> dict:
    """The config with a student from wheels, of which something is otherwise."""
    found = {"requirement": "part{part}==1", "member": "p{part}/{part:02}.bin", "parts": 2, "sha256": "0" * 64}
    return changed(changed(CONFIG, "wheels", "student", "source"), found | other, "student", "wheels")


def complaint(document, schema: str) -> str:
    with pytest.raises(UserError) as caught:
        check(document, schema, "some/file.yaml")
    return str(caught.value)


def described_properties(schema: dict, path: tuple = ()) -> list[tuple[tuple, dict]]:
    """Every property of a schema with its path, those of the definitions too."""
    found = []
    for name, entry in schema.get("properties", {}).items():
        found += [((*path, name), entry), *described_properties(entry, (*path, name))]
    for name, entry in schema.get("$defs", {}).items():
        found += described_properties(entry, (*path, "$defs", name))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_a_valid_schema(name):
    jsonschema.Draft202012Validator.check_schema(load_schema(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_object_of_a_schema_refuses_unknown_keys(name):
    schema = load_schema(name)
    objects = [schema, *[entry for _, entry in described_properties(schema)], *schema.get("$defs", {}).values()]
    for entry in objects:
        if entry.get("type") == "object":
            assert "additionalProperties" in entry and entry["additionalProperties"] is not True, entry


@pytest.mark.parametrize("name", NAMES)
def test_every_property_has_a_description(name):
    properties = described_properties(load_schema(name))
    assert [".".join(path) for path, entry in properties if not entry.get("description", "").endswith(".")] == []


def test_the_default_config_passes(root):
    check(CONFIG, "config", "config/config.yaml")
    check(wheels(), "config", "config/config.yaml")


@pytest.mark.parametrize(
    ("document", "schema", "parts"),
    [
        (GAME | {"famly": "x"}, "game", ["unknown key 'famly'", "allowed: family, kind, payoffs, ranked"]),
        (changed(GAME, 1, "payoffs", "Q"), "game", ["payoffs: unknown key 'Q'", "allowed: P, R, S, T"]),
        (without(GAME, "family"), "game", ["missing key 'family'"]),
        (without(GAME, "payoffs", "S"), "game", ["payoffs: missing key 'S'"]),
        (changed(GAME, "ten", "payoffs", "T"), "game", ["payoffs.T", "'ten'", "number"]),
        (changed(GAME, True, "payoffs", "T"), "game", ["payoffs.T", "True", "number"]),
        (
            GAME | {"ranked": [4, 3, 2, 1]},
            "game",
            ["ranked: only the family ordinal has ranked"],
        ),
        (
            {"family": "ordinal", "ranked": [3, 2, 1], "payoffs": {}},
            "game",
            ["ranked: ", "too short", "payoffs: the family ordinal has ranked"],
        ),
        (
            GAME | {"family": "chicken"},
            "game",
            ["family: 'chicken' is not allowed", "prisoners_dilemma, prisoners_delight, snowdrift, stag_hunt"],
        ),
        (None, "game", ["object"]),
        (changed(CONFIG, 0, "observations"), "config", ["observations", "0", "minimum of 1"]),
        (changed(CONFIG, "1", "training", "rank"), "config", ["training.rank", "'1'", "integer"]),
        (changed(CONFIG, 1, "training", "rnak"), "config", ["training: unknown key 'rnak'", "rank"]),
        (
            changed(CONFIG, ["first"], "option_orders"),
            "config",
            ["option_orders.0: 'first' is not allowed", "cooperation_first"],
        ),
        (changed(CONFIG, [], "training", "seeds"), "config", ["training.seeds"]),
        (changed(CONFIG, [1, 1], "training", "seeds"), "config", ["training.seeds"]),
        (changed(CONFIG, "int8", "student", "precision"), "config", ["student.precision: 'int8'", "nf4, float32"]),
        (without(CONFIG, "student", "wheel"), "config", ["student: missing key 'wheel'"]),
        (changed(CONFIG, "folder", "student", "source"), "config", ["student: missing key 'folder'"]),
        (changed(CONFIG, "hub", "student", "source"), "config", ["student: missing key 'hub'"]),
        (without(CONFIG, "teacher", "recorded"), "config", ["teacher: missing key 'recorded'"]),
        (changed(CONFIG, "recorded", "student", "engine"), "config", ["student.engine: 'recorded' is not allowed"]),
        (
            changed(CONFIG, CONFIG["teacher"]["recorded"], "student", "recorded"),
            "config",
            ["student.recorded: ", *LOCAL],
        ),
        (changed(CONFIG, {}, "student", "endpoint"), "config", ["student.endpoint: ", *LOCAL]),
        (wheels(requirement="no-part==1"), "config", ["student.wheels.requirement: 'no-part==1'"]),
        (wheels(requirement="part{part}==1{x}"), "config", ["student.wheels.requirement: 'part{part}==1{x}'"]),
        (wheels(member="{part}/{other}"), "config", ["student.wheels.member: '{part}/{other}'"]),
        (wheels(member="{part}}"), "config", ["student.wheels.member: '{part}}'"]),
        (without(CONFIG, "splits", "in_sample"), "config", ["splits: missing key 'in_sample'"]),
        (changed(CONFIG, "llm==1; rm", "student", "wheel", "sha256"), "config", ["student.wheel.sha256"]),
        (changed(CONFIG, float("nan"), "sampling", "temperature"), "config", ["sampling.temperature"]),
        (changed(CONFIG, float("inf"), "training", "learning_rate"), "config", ["training.learning_rate"]),
    ],
)
def test_a_violation_names_file_key_and_what_is_allowed(document, schema, parts):
    text = complaint(document, schema)
    for part in ["some/file.yaml: ", *parts]:
        assert part in text


def test_each_violation_has_one_line():
    lines = complaint({"payoffs": {"T": "x", "R": 1, "P": 2}, "mood": 1}, "game").splitlines()
    assert len(lines) == len(set(lines)) == 4  # family missing, S missing, T no number, unknown mood


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"family: [", "not YAML"),
        (b"family: a: b", "not YAML"),
        (b"\xff\xfe", "not YAML"),
        (b"", "object"),
        (b"- 1", "object"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path, content, part):
    file = tmp_path / "game.yaml"
    file.write_bytes(content)
    with pytest.raises(UserError, match=part) as caught:
        read_checked(file, "game")
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_a_file_that_is_none_is_named(tmp_path, name):
    with pytest.raises(UserError, match="no such game file"):
        read_checked(tmp_path / name, "game")
