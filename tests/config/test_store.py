"""How models are asked, as a config says it."""

from pathlib import Path

import pytest
import yaml

from tom.config.layers import complete
from tom.config.store import Store, key_of
from tom.config.studies import register_keys

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())
LOCAL = {"name": "Teacher", "engine": "transformers", "source": "folder", "folder": "models/teacher"}


@pytest.mark.parametrize(
    ("said", "prompt_format", "model", "procedure"),
    [
        ("full", "choice_then_motivation", "base", "free_replies"),
        ("choice", "choice_then_motivation", "base", "choices"),
        ("choice", "choice_then_motivation", "tuned-seed1", "choices"),
        ("choice", "choice_then_motivation", "teacher", "free_replies"),
        ("choice", "motivation_then_choice", "base", "free_replies"),
        ("full", "choice", "base", "choices"),
    ],
)
def test_students_may_say_the_choice_alone_if_it_comes_first(root, said, prompt_format, model, procedure):
    config = CONFIG | {"teacher": LOCAL, "prompt_format": prompt_format}
    config["sampling"] = CONFIG["sampling"] | {"student_replies": said}
    store = Store(config, root / "resources")
    assert store.askings[store.asking(model, "stag_hunt")].procedure == procedure


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"observations": 10}, None),
        ({"training": CONFIG["training"] | {"rank": 4, "epochs": 1}}, None),
        (
            {"training": CONFIG["training"] | {"seeds": [1, 2]}},
            "SmolLM2-135M-Instruct, taught by Llama-2-70b-chat, seeds 1",
        ),
        ({"teacher": LOCAL}, "taught by Llama-2-70b-chat"),
        ({"student": LOCAL | {"precision": "nf4", "compute_dtype": "float32"}}, "SmolLM2-135M-Instruct"),
        (
            {"student": CONFIG["student"] | {"wheel": CONFIG["student"]["wheel"] | {"sha256": "0" * 64}}},
            "SmolLM2-135M-Instruct",
        ),
    ],
)
def test_a_run_knows_whose_results_it_would_replace(root, tmp_path, changes, words):
    file = tmp_path / "contents.yaml"
    store = Store(CONFIG | changes, root / "resources")
    assert store.replaces(file) is None
    Store(CONFIG, root / "resources").write_contents(file)
    found = store.replaces(file)
    assert found is None if words is None else words in found


def test_answers_that_an_endpoint_was_paid_for_are_found_until_what_it_is_sent_changes(root):
    endpoint = {"base_url": "https://a/v1", "model": "m", "n_per_request": 1}

    def key(**parameters) -> str:
        teacher = {"name": "Teacher", "engine": "openai", "endpoint": endpoint | {"parameters": parameters}}
        return Store(CONFIG | {"teacher": teacher}, root / "resources").weights_key("teacher")

    # As it was when the name of the length was all that a config could say.
    for name in ("max_tokens", "max_completion_tokens"):
        before = {"model": endpoint | {"length_parameter": name}, "student": None, "merged": False}
        assert key(max_tokens=name) == key_of(before)
    assert key() == key(seed="seed") == key(max_tokens="max_tokens")
    assert len({key(), key(seed=None), key(max_tokens=None), key(top_p="p"), key(max_tokens="length")}) == 5


def test_an_endpoint_s_defaults_have_the_keys_of_the_same_values_written_out(root):
    asked = {"base_url": "https://a/v1", "model": "m", "key_variable": ""}
    defaults = {"concurrency": 8, "n_per_request": 1, "timeout_seconds": 120, "give_up_minutes": 30}

    def key(endpoint: dict) -> str:
        config = CONFIG | {"teacher": {"name": "Teacher", "engine": "openai", "endpoint": endpoint}}
        complete(config)
        return Store(config, root / "resources").weights_key("teacher")

    written_out = {"name": "Teacher", "engine": "openai", "endpoint": asked | defaults}
    before = Store(CONFIG | {"teacher": written_out}, root / "resources").weights_key("teacher")
    assert key(asked) == key(asked | defaults) == key(asked | {"concurrency": 2}) == before
    assert key(asked | {"n_per_request": 2}) != before


def test_a_job_that_is_asked_for_by_an_anchor_s_path_finds_how_it_is_asked(root):
    training = CONFIG["training"] | {"anchor_games": ["dictator", "trust_sending"], "anchor_contexts": ["neutral"]}
    config = CONFIG | {"training": training}
    run, job = (Store(config, root / "resources") for _ in range(2))
    register_keys(job, config)
    anchors = run.anchors(training)["anchors"]
    assert len(anchors) == 2
    assert {Path(shard).parts[-3] for shard in anchors} <= job.askings.keys()
