"""Files of a config on top of one another: another model needs all of its keys, and a message names one file."""

from pathlib import Path

import pytest
import yaml

from tom.config.layers import COMMAND_LINE, Layer, at_fault, complete, drop_nulls, merge, start_models_anew

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())
LOCAL = {"engine": "transformers", "source": "folder", "folder": "models/x"}


def merged(*configs: dict) -> dict:
    return merge([Layer("config.yaml", CONFIG), *(Layer("my.yaml", config) for config in configs)])


@pytest.mark.parametrize(
    "section",
    [
        {"name": "another"},
        {"source": "hub", "hub": {"repository": "o/x", "revision": "ab"}},
        {"source": "folder", "folder": "models/x"},
        {"wheel": {"requirement": "x==2"}},
    ],
    ids=str,
)
def test_another_student_inherits_nothing(section):
    assert merged({"student": section})["student"] == section


@pytest.mark.parametrize("section", [{"engine": "computed", "computed": {"behaviour": "logit"}}, LOCAL], ids=str)
def test_a_teacher_that_answers_in_another_way_inherits_nothing(section):
    assert merged({"teacher": section})["teacher"] == section


@pytest.mark.parametrize(
    "section",
    [{"precision": "bfloat16"}, {"engine": "vllm", "vllm": {}}, {"name": CONFIG["student"]["name"], "gpus": 1}],
    ids=str,
)
def test_settings_of_the_same_student_are_laid_on_it(section):
    assert merged({"student": section})["student"] == CONFIG["student"] | section


def test_a_recorded_teacher_keeps_its_tables_until_others_are_given():
    people = {"name": "people", "engine": "recorded"}
    assert merged({"teacher": people})["teacher"] == CONFIG["teacher"] | people
    other = people | {"recorded": {"counts": "people.csv", "model": "people"}}
    assert merged({"teacher": other})["teacher"] == other
    more = {"recorded": {"replies": {"file": "replies.csv"}}}
    assert merged({"teacher": more})["teacher"]["recorded"] == CONFIG["teacher"]["recorded"] | more["recorded"]


def test_a_third_file_changes_the_model_of_the_second():
    found = merged({"teacher": {"name": "x", **LOCAL}}, {"teacher": {"gpus": 1}})
    assert found["teacher"] == {"name": "x", **LOCAL, "gpus": 1}
    assert found["student"] == CONFIG["student"]


def test_the_files_are_left_as_they_are():
    before = yaml.safe_dump(CONFIG)
    merged({"student": {"name": "x"}}, {"training": {"rank": 2}})
    assert yaml.safe_dump(CONFIG) == before


def test_a_config_that_is_not_made_of_its_files_stays():
    config = {"student": {"name": "y"}}
    start_models_anew(config, [Layer("config.yaml", CONFIG), Layer("my.yaml", {"student": {"name": "x"}})])
    assert config == {"student": {"name": "y"}}


def test_null_drops_keys_of_the_config_of_splits_and_of_models_alone():
    config = merged({"splits": {"public_goods": None}, "student": {"vllm": None}, "plan": None})
    config["training"]["batch_size"] = None
    drop_nulls(config)
    assert "public_goods" not in config["splits"] and "vllm" not in config["student"] and "plan" not in config
    assert config["training"]["batch_size"] is None


def test_a_key_that_null_drops_is_missed_in_the_file_with_the_null():
    layers = [Layer("one.yaml", {"observations": 3}), Layer("two.yaml", {"observations": None})]
    said = at_fault("one.yaml, two.yaml: missing key 'observations'", "one.yaml, two.yaml", layers)
    assert said == "two.yaml: missing key 'observations'; null drops it"
    said = at_fault("one.yaml, two.yaml: missing key 'labels'", "one.yaml, two.yaml", layers)
    assert said == "one.yaml, two.yaml: missing key 'labels'"


def test_an_endpoint_has_defaults_and_other_teachers_none():
    asked = {"base_url": "http://localhost:8000/v1", "model": "m", "key_variable": ""}
    given = {"name": "x", "engine": "openai", "endpoint": asked | {"concurrency": 2}, "license": None}
    config = merged({"teacher": given})
    complete(config)
    defaults = {"n_per_request": 1, "timeout_seconds": 120, "give_up_minutes": 30}
    assert config["teacher"] == {"name": "x", "engine": "openai", "endpoint": given["endpoint"] | defaults}
    assert "concurrency" not in asked and len(given["endpoint"]) == 4
    config = merged()
    complete(config)
    assert config == CONFIG


@pytest.mark.parametrize(
    ("complaint", "name"),
    [
        ("training.rank: 0 is not allowed (allowed: a whole number ≥ 1)", "second.yaml"),
        ("training: unknown key 'rnk', 'x' (allowed: rank)", "first.yaml"),
        ("unknown key 'pases' (allowed: splits)", "first.yaml"),
        ("splits.mine.games: 'chicken' has no file", "first.yaml"),
        ("observations: 0 is not allowed (allowed: a whole number ≥ 1)", COMMAND_LINE),
        ("learning_curve.observations: 30, 10 do not increase", "a, b, c"),
        ("training.rank, student.gpus: 1, but none is here", "second.yaml"),
        ("splits.mine.games, training.rank: 1, but none is here", "first.yaml, second.yaml"),
        ("training.rank, learning_curve.observations: 1", "a, b, c"),
    ],
)
def test_a_message_names_the_file_that_set_the_key(complaint, name):
    layers = [
        Layer("first.yaml", {"training": {"rank": 1, "rnk": 2}, "pases": 1, "splits": {"mine": {"games": []}}}),
        Layer("second.yaml", {"training": {"rank": 0}, "student": {"name": "x"}}),
        Layer(COMMAND_LINE, {"observations": 0}),
    ]
    other = "observed_choices.csv: no counts of stag_hunt"
    assert at_fault(f"a, b, c: {complaint}\n{other}", "a, b, c", layers) == f"{name}: {complaint}\n{other}"


def test_a_key_that_another_model_lacks_is_demanded_with_the_reason():
    layers = [Layer("config.yaml", CONFIG), Layer("my.yaml", {"student": {"name": "x"}}), Layer(COMMAND_LINE, {})]
    said = at_fault("names: student: missing key 'gpus'", "names", layers)
    assert said == "my.yaml: student: missing key 'gpus'; another model needs all of its keys"
