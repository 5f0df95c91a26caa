"""Validation messages, renamed config keys, and the schemas themselves."""

from copy import deepcopy
from pathlib import Path

import jsonschema
import pytest
import yaml

from tom.config.checks import config_schema
from tom.core.errors import UserError
from tom.core.yaml_files import (
    RENAMED_KEYS,
    RENAMED_VALUES,
    SCHEMAS,
    check,
    load_schema,
    read_checked,
    read_document,
)

NAMES = sorted(file.name.removesuffix(".schema.yaml") for file in SCHEMAS.glob("*.schema.yaml"))
LOCAL = ["weights must be available", "allowed: wheel, wheels, hub or folder, by student.source"]
GAME = {"family": "stag_hunt", "payoffs": {"T": 5, "R": 10, "P": 3, "S": 2}}
CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())


def without(document: dict, *path: str) -> dict:
    """A copy of the document without the key at this path."""
    copy = deepcopy(document)
    inner = copy
    for part in path[:-1]:
        inner = inner[part]
    del inner[path[-1]]
    return copy


def changed(document: dict, value, *path: str) -> dict:
    """A copy of the document with this value at this path."""
    copy = deepcopy(document)
    inner = copy
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return copy


def wheels(**other: str) -> dict:
    """The config with a student from wheels, some of whose keys are changed."""
    found = {"requirement": "part{part}==1", "member": "p{part}/{part:02}.bin", "parts": 2, "sha256": "0" * 64}
    return changed(changed(CONFIG, "wheels", "student", "source"), found | other, "student", "wheels")


def complaint(document, schema: str) -> str:
    with pytest.raises(UserError) as caught:
        check(document, schema, "some/file.yaml", config_schema() if schema == "config" else None)
    return str(caught.value)


def described_properties(schema: dict, path: tuple = ()) -> list[tuple[tuple, dict]]:
    """Every property of a schema and of its definitions, with its path."""
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


def patterns(entry: object) -> list[dict]:
    """Every part of a schema that has a pattern."""
    if isinstance(entry, list):
        return [found for part in entry for found in patterns(part)]
    if not isinstance(entry, dict):
        return []
    own = [entry] if isinstance(entry.get("pattern"), str) else []
    return own + [found for part in entry.values() for found in patterns(part)]


@pytest.mark.parametrize("schema", [*map(load_schema, NAMES), config_schema()])
def test_what_a_pattern_allows_is_said_in_words(schema):
    assert [entry for entry in patterns(schema) if not isinstance(entry.get("allowed"), str)] == []


def test_the_default_config_passes(root):
    for config in (CONFIG, wheels()):
        check(config, "config", "config/config.yaml", config_schema())


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
        (None, "game", ["a section of keys and values"]),
        (changed(CONFIG, 0, "observations"), "config", ["observations", "0", "a whole number ≥ 1"]),
        (changed(CONFIG, "1", "training", "rank"), "config", ["training.rank", "'1'", "integer"]),
        (changed(CONFIG, 1, "training", "rnak"), "config", ["training: unknown key 'rnak'; did you mean rank?"]),
        (CONFIG | {"epochs": 1}, "config", ["unknown key 'epochs'; did you mean training.epochs? (allowed: "]),
        (CONFIG | {"seed": 1}, "config", ["'seed'; did you mean sampling.seed or evaluation.seed? (allowed: "]),
        (
            changed(CONFIG, ["first"], "option_orders"),
            "config",
            ["option_orders.0: 'first' is not allowed", "cooperation_first"],
        ),
        (changed(CONFIG, [], "training", "seeds"), "config", ["training.seeds"]),
        (changed(CONFIG, [1, 1], "training", "seeds"), "config", ["training.seeds"]),
        (changed(CONFIG, "int8", "student", "precision"), "config", ["student.precision: 'int8'", "nf4, float32"]),
        (without(CONFIG, "student", "wheel"), "config", ["student: missing key 'wheel'"]),
        (CONFIG | {"student": {"name": "a"}}, "config", ["student: missing key 'engine', 'source', 'precision'"]),
        (changed(CONFIG, "folder", "student", "source"), "config", ["student: missing key 'folder'"]),
        (changed(CONFIG, "hub", "student", "source"), "config", ["student: missing key 'hub'"]),
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


def old_config(old: str, value) -> dict:
    """The default config with one key under its earlier name."""
    *sections, key = RENAMED_KEYS["config"][old].split(".")
    return changed(without(CONFIG, *sections, key), value, *old.split("."))


def value_at(path: str):
    """The default config's value at a dotted path."""
    found = CONFIG
    for part in path.split("."):
        found = found[part]
    return found


@pytest.mark.parametrize("old", RENAMED_KEYS["config"])
def test_an_old_key_is_refused_with_its_new_name_in_one_line(old):
    new = RENAMED_KEYS["config"][old]
    expected = f"some/file.yaml: {old} is now {new}"
    assert complaint(old_config(old, value_at(new)), "config") == expected
    assert complaint(changed(CONFIG, value_at(new), *old.split(".")), "config") == expected


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [(path, *pair) for path, names in RENAMED_VALUES["config"].items() for pair in names.items()],
)
def test_an_old_value_is_refused_with_its_new_name_in_one_line(path, old, new):
    old_path = next(key for key, renamed in RENAMED_KEYS["config"].items() if renamed == path)
    said = complaint(old_config(old_path, old), "config")
    assert said == f"some/file.yaml: {old_path}: {old} is now {path}: {new}"
    said = complaint(changed(CONFIG, old, *path.split(".")), "config")
    assert said == f"some/file.yaml: {path}: {old} is now {new}"


def test_every_new_name_is_in_the_schema():
    properties = config_schema()["properties"]
    training = {f"training.{name}": entry for name, entry in properties["training"]["properties"].items()}
    assert set(RENAMED_KEYS["config"].values()) <= set(properties) | set(training)
    for path, names in RENAMED_VALUES["config"].items():
        assert set(names.values()) <= set(training[path]["enum"])


def test_renamed_keys_come_with_the_other_violations():
    document = changed(old_config("training.passes", 0), 1, "training", "rnak")
    lines = complaint(document, "config").splitlines()
    assert lines[0] == "some/file.yaml: training.passes is now training.epochs"
    assert "training: unknown key 'rnak'" in lines[1] and "training.epochs: 0 is not allowed" in lines[2]
    assert len(lines) == 3
    assert CONFIG["training"]["epochs"] != 0  # the document itself is left as it was


@pytest.mark.parametrize("document", [None, [], {"training": None}, {"training": [1]}])
def test_a_document_of_another_shape_has_no_renamed_keys(document):
    assert "is now" not in complaint(document, "config")


def test_each_violation_has_one_line():
    lines = complaint({"payoffs": {"T": "x", "R": 1, "P": 2}, "mood": 1}, "game").splitlines()
    assert len(lines) == len(set(lines)) == 4  # family missing, S missing, T no number, unknown mood


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"family: [", r"not YAML: line 1, column 10: expected the node content"),
        (b"family: a: b", r"not YAML: line 1, column 10: mapping values are not allowed here"),
        (b"\xff\xfe", "not YAML"),
        (b"", "a section of keys and values"),
        (b"- 1", "a section of keys and values"),
    ],
)
def test_a_file_that_is_not_a_yaml_mapping_is_named(tmp_path, content, part):
    file = tmp_path / "game.yaml"
    file.write_bytes(content)
    with pytest.raises(UserError, match=part) as caught:
        read_checked(file, "game")
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(UserError, match="no such game file"):
        read_checked(tmp_path / name, "game")


def test_a_key_that_is_given_twice_is_named(tmp_path):
    file = tmp_path / "twice.yaml"
    file.write_text("a: 1\ntraining: {epochs: 2}\nb:\n  c: 1\n  c: 2\n")
    with pytest.raises(
        UserError, match=r"twice.yaml: 'c' is given in line 4 and again in line 5 \(allowed: each key once"
    ):
        read_document(file, "config")
    file.write_text("training: {epochs: 2}\nother: 1\ntraining: {rank: 8}\n")
    with pytest.raises(UserError, match="'training' is given in line 1 and again in line 3"):
        read_document(file, "config")


def test_merged_keys_and_a_byte_order_mark_are_read(tmp_path):
    file = tmp_path / "merged.yaml"
    file.write_text("\ufeffbase: &base {a: 1, b: 2}\nown:\n  <<: *base\n  b: 3\n", encoding="utf-8")
    assert read_document(file, "config")["own"] == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("value", "path", "said"),
    [
        (
            "1e-3",
            ("training", "learning_rate"),
            "learning_rate: '1e-3' is text in YAML, not of type 'number' (write 0.001)",
        ),
        ("2e-5", ("training", "learning_rate"), "'2e-5' is text in YAML, not of type 'number' (write 2.0e-05)"),
        ("4", ("training", "epochs"), "'4' is text in YAML, not of type 'integer' (write 4)"),
        ("many", ("training", "epochs"), "'many' is not allowed (allowed: a whole number ≥ 1)"),
        (3, ("training", "seeds"), "training.seeds: 3 is no list (write [3])"),
        ("sports", ("splits", "in_sample", "contexts"), "'sports' is no list (write [sports])"),
        (None, ("training", "rank"), "training.rank: null is not allowed (allowed: a whole number ≥ 1)"),
    ],
)
def test_a_value_of_another_type_is_told_how_it_is_written(value, path, said):
    found = complaint(changed(CONFIG, value, *path), "config")
    assert said in found
    if "write " in said:
        written = yaml.safe_load(said.rpartition("write ")[2].removesuffix(")"))
        check(changed(CONFIG, written, *path), "config", "some/file.yaml", config_schema())
