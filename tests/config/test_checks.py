"""A study's config: what can't be run is refused before any job, and the message names the culprit."""

import json
import shutil
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from made_examples import FIELDS, TEXTS, made_examples

from tom.config import checks
from tom.config.checks import check_study
from tom.config.study_checks import check_breadth, check_counterbalancing, check_labels, check_learning_curve
from tom.core.errors import UserError
from tom.engines.endpoint import read_key
from tom.training.recipe import REPLY_TARGETS

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())


@pytest.fixture
def project(root, tmp_path, monkeypatch) -> Path:
    """A folder with a copy of resources/, as a run's working directory."""
    shutil.copytree(root / "resources", tmp_path / "resources")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def changed(value, *path: str) -> dict:
    """The default config with another value at the path."""
    config = deepcopy(CONFIG)
    inner = config
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return config


def complaint(config: dict) -> str:
    with pytest.raises(UserError) as caught:
        check_study(config, "config.yaml", Path("resources"))
    return str(caught.value)


def local_teacher(**changes) -> dict:
    """A teacher with weights of its own in place of the recorded one, so that no cell needs counts."""
    return deepcopy(CONFIG["student"]) | {"name": "Teacher"} | changes


def test_the_default_config_can_run(project):
    check_study(CONFIG, "config.yaml", Path("resources"))


def test_every_unknown_game_and_context_is_named_at_once(project):
    config = changed({"games": ["stag_hnt", "stag_hnt-x2"], "contexts": ["spots", "sports"]}, "splits", "one")
    config["splits"]["two"] = {"games": ["public_goods"], "contexts": ["neutrals", "alone"]}
    lines = complaint(config).splitlines()
    assert [line.partition(" has no file ")[0] for line in lines] == [
        "config.yaml: splits.one.games: 'stag_hnt'",
        "config.yaml: splits.one.contexts: 'spots'",
        "config.yaml: splits.two.contexts: 'neutrals'",
        "config.yaml: splits.two.contexts: 'alone'",
    ]
    assert "did you mean stag_hunt?" in lines[0] and "did you mean sports?" in lines[1]
    assert "resources/group_contexts/neutrals.yaml" in lines[2]


def test_a_context_of_groups_is_not_missed_where_the_game_is_unknown(project):
    (known,) = (file.stem for file in Path("resources/group_contexts").glob("neutral.yaml"))
    config = changed({"games": ["public_god"], "contexts": [known]}, "splits", "public_goods")
    assert len(complaint(config).splitlines()) == 1


@pytest.mark.parametrize("role", ["teacher", "student"])
def test_an_unknown_engine_is_refused_once_with_the_engines_of_its_role(project, role):
    (line,) = complaint(changed("transfomers", role, "engine")).splitlines()
    assert line.startswith(f"config.yaml: {role}.engine: 'transfomers' is not allowed (allowed: ")
    assert ("recorded" in line) == (role == "teacher") and "transformers, vllm" in line


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        (
            changed(["choice", "chat"], "compared_prompt_formats"),
            ["config.yaml: compared_prompt_formats", "'chat'", "allowed: choice, choice_dollars"],
        ),
        (
            changed(["chicken"], "splits", "in_sample", "games"),
            [
                "config.yaml: splits.in_sample.games",
                "'chicken'",
                "allowed: ",
                "snowdrift, stag_hunt",
            ],
        ),
        (
            changed(["chicken-x2"], "splits", "doubled_payoffs", "games"),
            ["config.yaml: splits.doubled_payoffs.games", "'chicken'"],
        ),
        (
            changed(["pub"], "splits", "out_of_sample_contexts", "contexts"),
            ["config.yaml: splits.out_of_sample_contexts.contexts", "'pub'", "allowed: ", "business, business_b"],
        ),
        (changed([], "training", "seeds"), ["config.yaml: training.seeds: [] is empty (allowed: one or more)"]),
        (
            changed([["C", "C"]], "training", "label_pairs"),
            ["training.label_pairs.0: ['C', 'C'] has the same twice (allowed: each once)"],
        ),
        (
            changed([["C"], ["A", "B", "C"]], "training", "label_pairs"),
            ["['C'] has too few (allowed: two)", "['A', 'B', 'C'] has too many (allowed: two)"],
        ),
        (changed("essay", "prompt_format"), ["config.yaml: prompt_format", "'essay'", "allowed: choice"]),
        (changed(["stag_hunt-x0"], "splits", "doubled_payoffs", "games"), ["stag_hunt-x0"]),
        (
            changed(CONFIG["splits"]["in_sample"], "splits", "again"),
            ["config.yaml: splits.again", "prisoners_delight in business", "in_sample"],
        ),
        (
            changed("nowhere.csv", "teacher", "recorded", "counts"),
            ["config.yaml: teacher.recorded.counts: nowhere.csv: no such table"],
        ),
        (
            changed("nowhere.csv", "teacher", "recorded", "contributions"),
            ["config.yaml: teacher.recorded.contributions: nowhere.csv: no such table"],
        ),
        (
            changed({"name": "people", "engine": "recorded"}, "teacher"),
            ["config.yaml: splits.in_sample: ", "needs counts there (allowed: teacher.recorded, or members of a"],
        ),
        (
            changed("gpt", "teacher", "recorded", "model"),
            ["config.yaml: teacher.recorded.model: 'gpt' has no row in ", "observed_choices.csv", "allowed: "],
        ),
        (
            changed("nowhere", "adapters"),
            ["config.yaml: adapters: nowhere: no such folder (allowed: ", "in results/adapters: none yet"],
        ),
        (
            changed({"games": ["drawn-9..3"], "contexts": ["neutral"], "recorded": False}, "splits", "unseen"),
            ["config.yaml: splits.unseen.games: game 'drawn-9..3': 3 comes before 9 (allowed: drawn-3..9)"],
        ),
        (
            changed({"games": ["drawn-0..100000"], "contexts": ["neutral"], "recorded": False}, "splits", "unseen"),
            ["config.yaml: splits.unseen.games: game 'drawn-0..100000': 100001 games (allowed: at most 100000"],
        ),
        (
            changed({"games": ["drawn"], "contexts": ["neutral"], "recorded": False}, "splits", "unseen"),
            ["config.yaml: splits.unseen.games: game 'drawn': ", "is a game set (write a number: drawn-0)"],
        ),
        (
            changed({"games": ["drawn-0..3-times2"], "contexts": ["neutral"], "recorded": False}, "splits", "unseen"),
            [
                "config.yaml: splits.unseen.games.0: 'drawn-0..3-times2' is not allowed (allowed: ",
                "drawn-0..255-column; after it -x2, -plus10",
            ],
        ),
        (
            changed("my study!", "experiment"),
            ["config.yaml: experiment: 'my study!' is not allowed (allowed: small letters, digits, underscores and"],
        ),
        (
            changed(local_teacher(source="hub", hub={"repository": "o/x", "revision": "0123abcd"}), "student"),
            [
                "config.yaml: student.hub.revision: '0123abcd' is not allowed (allowed: the whole hash of a commit, 40",
                "huggingface.co/OWNER/NAME/commits/main lists them",
            ],
        ),
        (
            changed(CONFIG["splits"]["in_sample"] | {"recorded": False}, "splits", "in_sample"),
            ["config.yaml: splits.in_sample.recorded", "allowed: true"],
        ),
        (
            changed({"games": ["stag_hunt-x3"], "contexts": ["sports", "business"]}, "splits", "tripled"),
            [
                "config.yaml: splits.tripled: ",
                "observed_choices.csv",
                "'teacher'",
                "stag_hunt-x3 in business, stag_hunt-x3 in sports",
                "`recorded: false`",
            ],
        ),
        (
            changed(local_teacher(source="folder", folder="no/where"), "teacher"),
            ["config.yaml: teacher.folder", "no/where", "no such model folder"],
        ),
        (
            changed(local_teacher(source="folder", folder="resources"), "student"),
            ["config.yaml: student.folder", "resources", "config.json", "tokenizer_config.json", "safetensors"],
        ),
        (changed(None, "observations"), ["config.yaml: observations"]),
    ],
)
def test_a_config_that_can_not_run_is_refused(project, config, parts):
    text = complaint(config)
    for part in parts:
        assert part in text


def test_students_may_be_asked_what_no_teacher_has_answered(project):
    split = {"games": ["stag_hunt-x3", "stag_hunt-x0.1-minus2.5"], "contexts": ["sports"], "recorded": False}
    check_study(changed(split, "splits", "rescaled"), "config.yaml", Path("resources"))


def test_a_game_has_one_name_in_all_splits(project):
    split = {"games": ["stag_hunt-x2.0"], "contexts": ["sports"], "recorded": False}
    text = complaint(changed(split, "splits", "rescaled"))
    assert (
        "config.yaml: splits.rescaled.games: stag_hunt-x2.0 is the same game as stag_hunt-x2 of another split" in text
    )


@pytest.mark.parametrize("target", ["full_reply", "shuffled_motivation"])
@pytest.mark.parametrize(
    ("teacher", "prompt_format", "part"),
    [
        (CONFIG["teacher"], "choice_then_motivation", "a recorded teacher has none"),
        (CONFIG["teacher"], "choice", "prompt_format 'choice' asks for none"),
        (local_teacher(), "choice", "prompt_format 'choice' asks for none"),
    ],
)
def test_motivations_that_nobody_gave_are_not_taught(project, target, teacher, prompt_format, part):
    config = changed(target, "training", "target") | {"teacher": teacher, "prompt_format": prompt_format}
    text = complaint(config)
    assert f"config.yaml: training.target: '{target}'" in text and part in text and "allowed: label" in text


def with_replies(project, **changes) -> dict:
    """The default config in the cells of a table of made examples, whose teacher's replies are in that table."""
    (project / "examples.json").write_text(json.dumps(made_examples("CD")))
    config = changed({"file": "examples.json", "fields": FIELDS, **TEXTS}, "teacher", "recorded", "replies")
    config["splits"]["in_sample"] = {"games": list(TEXTS["games"]), "contexts": list(TEXTS["contexts"])}
    config["training"] |= {"gauss_newton_steps": 0, "target": "full_reply"}
    return config | {"prompt_format": "choice_then_motivation"} | changes


@pytest.mark.parametrize("target", REPLY_TARGETS)
@pytest.mark.parametrize("prompt_format", ["choice_then_motivation", "motivation_then_choice"])
def test_a_recorded_teachers_replies_may_be_taught_in_any_way(project, target, prompt_format):
    config = with_replies(project, prompt_format=prompt_format)
    config["training"]["target"] = target
    check_study(config, "config.yaml", Path("resources"))


def test_replies_that_are_taught_must_be_there_in_every_cell(project):
    config = with_replies(project)
    config["splits"]["in_sample"]["contexts"].append("teamwork")
    text = complaint(config)
    assert "config.yaml: training.target: 'full_reply'" in text and "examples.json" in text
    assert "no replies for prisoners_dilemma in teamwork, stag_hunt in teamwork" in text
    config["training"]["target"] = "label"  # for which counts will do
    check_study(config, "config.yaml", Path("resources"))


def test_replies_stand_for_counts_where_nobody_has_these(project):
    config = with_replies(project)
    rows = [{"game": "stag_hunt-x3", "context": "sports", "output": "D. So what?"}]
    (project / "examples.json").write_text(json.dumps(rows))
    replies = {"file": "examples.json", "fields": {"reply": "output"}}
    config["teacher"]["recorded"]["replies"] = replies
    config["splits"] = {"in_sample": {"games": ["stag_hunt-x3"], "contexts": ["sports"]}}
    check_study(config, "config.yaml", Path("resources"))
    with pytest.raises(UserError, match=r"learning_curve.observations: 100, but the teacher has 1 of some"):
        check_learning_curve(config | {"training": CONFIG["training"]}, "config.yaml", Path("resources"))


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        ({"file": "absent.json", "fields": {"reply": "output"}}, "absent.json: no such table of replies"),
        ({"file": "examples.csv", "fields": {"reply": "output"}}, "config.yaml: teacher.recorded.replies.file"),
        ({"file": "examples.json", "fields": {"game": "game"}}, "'reply'"),
        ({"file": "examples.json", "fields": {"reply": "output"}}, "examples.json: row 1: no field 'game'"),
        ({"file": "examples.json", "fields": FIELDS, "games": {}}, "config.yaml: teacher.recorded.replies.games"),
    ],
)
def test_a_table_of_replies_that_can_not_be_read_is_named(project, replies, words):
    config = with_replies(project)
    config["teacher"]["recorded"]["replies"] = replies
    assert words in complaint(config)


@pytest.mark.parametrize("target", REPLY_TARGETS)
@pytest.mark.parametrize("prompt_format", ["choice_then_motivation", "motivation_then_choice"])
def test_a_teacher_that_gives_motivations_may_teach_in_any_way(project, target, prompt_format):
    config = changed(target, "training", "target") | {"prompt_format": prompt_format, "teacher": local_teacher()}
    config["training"]["gauss_newton_steps"] = 0
    check_study(config, "config.yaml", Path("resources"))
    config["training"]["gauss_newton_steps"] = 1
    if not REPLY_TARGETS[target].motivations and prompt_format == "choice_then_motivation":
        check_study(config, "config.yaml", Path("resources"))
    else:
        text = complaint(config)
        assert (
            "config.yaml: training.gauss_newton_steps" in text and f"'{prompt_format}'" in text and "allowed: 0" in text
        )


def test_letters_are_exchanged_in_single_letters_alone(project):
    letters = changed("both", "training", "label_mapping")
    letters["training"]["gauss_newton_steps"] = 0
    check_study(letters, "config.yaml", Path("resources"))
    text = complaint(letters | {"teacher": local_teacher(), "prompt_format": "motivation_then_choice"})
    assert "config.yaml: training.label_mapping: 'both'" in text and "allowed: original" in text


@pytest.mark.parametrize(
    ("context", "parts"),
    [
        ("orchestras", ["'orchestras' has no file", "allowed: ", "orchestra"]),
        ("business", ["'business' is the situation 'business' of splits.in_sample"]),
        ("business_b", ["'business_b' is the situation 'business' of splits.in_sample"]),
        ("sports", ["'sports' is the situation 'sports' of splits.out_of_sample_contexts", "allowed: contexts"]),
    ],
)
def test_a_uniform_target_is_trained_in_no_situation_that_a_split_asks(project, context, parts):
    check_study(changed(["orchestra", "exam"], "training", "uniform_target_contexts"), "config.yaml", Path("resources"))
    text = complaint(changed(["orchestra", context], "training", "uniform_target_contexts"))
    for part in ["config.yaml: training.uniform_target_contexts: ", *parts]:
        assert part in text


@pytest.mark.parametrize(
    ("key", "name", "said"),
    [
        (
            "contexts",
            "library",
            "contexts/library.yaml. Write it, one line, `situation: ...` (docs/extending.md), or name one that is there"
            " (allowed: business, ",
        ),
        (
            "contexts",
            "busines",
            "contexts/busines.yaml; did you mean business? Write it, one line, `situation: ...` (docs/extending.md)",
        ),
        (
            "games",
            "my_game",
            "games/my_game.yaml. Write it, with `family` and `payoffs` (docs/extending.md), or name one that is there"
            " (allowed: ",
        ),
    ],
)
def test_a_text_that_is_missing_may_be_written(project, key, name, said):
    config = changed([name], "splits", "in_sample", key)
    assert f"config.yaml: splits.in_sample.{key}: '{name}' has no file resources/{said}" in complaint(config)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"anchor_contexts": []}, ["training.anchor_contexts: []", "allowed: both or neither"]),
        ({"anchor_games": ["stag_hunt"]}, ["training.anchor_games: stag_hunt", "allowed: games of the kind number"]),
        ({"anchor_games": ["public_goods"]}, ["public_goods is measured in splits.public_goods", "no split has"]),
        (
            {"anchor_games": ["dictators"]},
            ["anchor_games: 'dictators' has no file", "allowed: beauty_contest"],
        ),
        ({"anchor_contexts": ["neutral_"]}, ["training.anchor_contexts: 'neutral_' has no file"]),
        ({"batch_size": 64}, ["single replies are drawn", "training.batch_of: prompts"]),
    ],
)
def test_what_a_student_is_anchored_to_can_be_asked_and_is_measured_nowhere(project, changes, parts):
    anchored = {"anchor_games": ["dictator"], "anchor_contexts": ["business"]}
    check_study(changed(CONFIG["training"] | anchored, "training"), "config.yaml", Path("resources"))
    text = complaint(changed(CONFIG["training"] | anchored | changes, "training"))
    assert all(part in text for part in ["config.yaml: ", *parts]), text


@pytest.mark.parametrize(
    ("target", "prompt_format"), [("full_reply", "choice_then_motivation"), ("label", "motivation_then_choice")]
)
def test_a_uniform_target_has_no_motivations(project, target, prompt_format):
    config = changed(target, "training", "target") | {"prompt_format": prompt_format, "teacher": local_teacher()}
    config["training"] |= {"gauss_newton_steps": 0, "uniform_target_contexts": ["orchestra"]}
    text = complaint(config)
    assert (
        "config.yaml: training.uniform_target_contexts: a uniform target has no motivations" in text
        and f"'{prompt_format}'" in text
        and "allowed: []" in text
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (("option_orders",), ["cooperation_first"]),
        (("training", "option_orders"), ["cooperation_last"]),
        (("training", "label_mapping"), "both"),
        (("training", "target"), "full_reply"),
    ],
)
def test_students_are_set_beside_the_runs_own_if_these_were_taught_choices_in_both_orders(project, key, value):
    check_counterbalancing(CONFIG | {"orders": CONFIG["option_orders"][::-1]}, "config.yaml", Path("resources"))
    with pytest.raises(UserError) as caught:
        check_counterbalancing(changed(value, *key), "config.yaml", Path("resources"))
    text = str(caught.value)
    assert f"config.yaml: {'.'.join(key)}: " in text and "counterbalancing" in text and "allowed with it: " in text


@pytest.mark.parametrize("check", [check_labels, check_counterbalancing])
def test_labels_are_scored_where_a_reply_begins_with_them_alone(project, check):
    check(CONFIG | {"prompt_format": "choice_then_motivation"}, "config.yaml", Path("resources"))
    with pytest.raises(UserError) as caught:
        check(CONFIG | {"prompt_format": "motivation_then_choice"}, "config.yaml", Path("resources"))
    text = str(caught.value)
    assert "config.yaml: prompt_format: 'motivation_then_choice'" in text
    assert "allowed: a prompt format of the form choice or choice_then_motivation" in text


def test_labels_that_have_no_file_are_named(project):
    text = complaint(CONFIG | {"labels": ["letters", "numerals"]})
    assert "config.yaml: labels: 'numerals' has no file" in text and "sharing" in text


def test_a_recorded_choice_is_taught_at_the_beginning_of_a_reply_alone(project):
    check_study(CONFIG | {"prompt_format": "choice_then_motivation"}, "config.yaml", Path("resources"))
    text = complaint(CONFIG | {"prompt_format": "motivation_then_choice"})
    assert "training.target: 'label'" in text and "allowed: a prompt format of the form choice" in text


@pytest.mark.parametrize("role", ["teacher", "student"])
@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"precision": "nf4"}, [".precision: vLLM does not serve nf4", "allowed: float32, bfloat16, source"]),
        ({"precision": "nf4", "gpus": 1}, [".precision: vLLM does not serve nf4", "engine: transformers"]),
        ({"vllm": {"tensor_parallel": 2}}, [".vllm.tensor_parallel: 2", ".gpus is 0"]),
        ({"gpus": 2, "vllm": {"tensor_parallel": 4}}, [".vllm.tensor_parallel: 4", ".gpus is 2"]),
        ({"vllm": {"adapter": "fused"}}, [".vllm.adapter: 'fused'", "allowed: runtime, merged"]),
        ({"vllm": {"memory_share": 1.5}}, [".vllm.memory_share", "1.5"]),
    ],
)
def test_what_vllm_can_not_serve_is_refused(project, role, changes, parts):
    text = complaint(changed(local_teacher(engine="vllm", **{"precision": "float32"} | changes), role))
    for part in parts:
        assert part in text
    assert f"config.yaml: {role}." in text


@pytest.mark.parametrize("changes", [{"precision": "float32"}, {"precision": "source", "gpus": 1}])
def test_a_model_that_vllm_can_serve_passes_wherever_the_study_is_planned(project, monkeypatch, changes):
    monkeypatch.setitem(sys.modules, "vllm", None)  # as on a login node
    changes |= {"engine": "vllm", "vllm": {"tensor_parallel": 1, "memory_share": 0.9, "eager": True}}
    check_study(changed(local_teacher(**changes), "student"), "config.yaml", Path("resources"))


def endpoint_teacher(**changes) -> dict:
    """A teacher at an endpoint."""
    endpoint = {"base_url": "https://api.example.org/v1", "model": "big", "key_variable": "TEST_KEY"}
    endpoint |= {"concurrency": 8, "n_per_request": 1, "timeout_seconds": 60, "give_up_minutes": 30}
    return {"name": "Teacher", "engine": "openai", "endpoint": endpoint | changes}


def test_a_config_is_checked_without_the_key_of_its_endpoint(project, monkeypatch):
    """A plan and a dry run need none."""
    monkeypatch.delenv("TEST_KEY", raising=False)
    check_study(changed(endpoint_teacher(), "teacher"), "config.yaml", Path("resources"))


def test_a_key_is_read_from_the_environment_or_missed(monkeypatch):
    monkeypatch.delenv("TEST_KEY", raising=False)
    with pytest.raises(UserError) as missed:
        read_key("TEST_KEY", "config.yaml: teacher.endpoint.key_variable")
    assert str(missed.value) == (
        "config.yaml: teacher.endpoint.key_variable: the environment variable TEST_KEY is not set"
        " (empty: the endpoint needs no key)"
    )
    monkeypatch.setenv("TEST_KEY", "sk-1")
    assert read_key("TEST_KEY", "") == "sk-1" and read_key("", "") == ""


def test_a_local_endpoint_needs_no_key(project):
    check_study(changed(endpoint_teacher(key_variable=""), "teacher"), "config.yaml", Path("resources"))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"base_url": "https://user:password@api.example.org/v1"}, "teacher.endpoint.base_url"),
        ({"base_url": "https://api.example.org/v1?key=sk-1"}, "teacher.endpoint.base_url"),
        ({"base_url": "api.example.org"}, "teacher.endpoint.base_url"),
        ({"key_variable": "sk-1234"}, "teacher.endpoint.key_variable: not the name of an environment variable"),
        ({"n_per_request": 0}, "teacher.endpoint.n_per_request"),
        ({"prices": {"prompt": 1}}, "teacher.endpoint.prices: missing key 'completion'"),
        ({"key": "sk-1"}, "teacher.endpoint: unknown key 'key'"),
        (
            {"base_url": "http://127.0.0.1:99999/v1"},
            "teacher.endpoint.base_url: http://127.0.0.1:99999/v1 is no address",
        ),
        (
            {"base_url": "http://127.0.0.1:9/v1/chat/completions"},
            "teacher.endpoint.base_url: http://127.0.0.1:9/v1/chat/completions (allowed: the address up to,",
        ),
        ({"parameters": {"stop": "x"}}, "teacher.endpoint.parameters: unknown key 'stop' (allowed: logprobs"),
        ({"parameters": {"seed": "a b"}}, "teacher.endpoint.parameters.seed: 'a b' is not allowed"),
        ({"parameters": {"seed": "messages"}}, "teacher.endpoint.parameters.seed: a parameter's name at the endpoint"),
        ({"parameters": {"seed": "top_p"}}, "top_p and seed would both be sent as 'top_p'"),
        ({"length_parameter": "max_tokens"}, "teacher.endpoint: unknown key 'length_parameter' (allowed: "),
    ],
)
def test_an_endpoint_that_can_not_be_asked_is_refused(project, monkeypatch, change, part):
    monkeypatch.setenv("TEST_KEY", "sk-1")
    assert part in complaint(changed(endpoint_teacher(**change), "teacher"))


@pytest.mark.parametrize(
    "pasted", ["sk-abcdef0123", "ABCDEF-0123", 123456789, ["sk-abcdef0123"], {"key": "sk-abcdef0123"}], ids=str
)
@pytest.mark.parametrize("changes", [{}, {"n_per_request": 0, "key": "x"}])
def test_a_key_in_place_of_its_variable_is_not_shown(project, pasted, changes):
    teacher = endpoint_teacher(key_variable=pasted, **changes)
    said = (
        "endpoint.key_variable: not the name of an environment variable (its value is not shown here, since it may be"
        " a key)"
    )
    assert complaint(changed(teacher, "teacher")) == f"config.yaml: teacher.{said}"
    assert complaint(changed(teacher, "student")) == f"config.yaml: student.{said}"
    misplaced = endpoint_teacher() | {"key_variable": pasted}
    assert "abcdef0123" not in complaint(changed(misplaced, "teacher"))


def test_a_student_at_an_endpoint_can_not_be_taught(project):
    assert "student.engine: 'openai' is not allowed" in complaint(changed(endpoint_teacher(), "student"))


@pytest.mark.parametrize("numbers", [[30, 10], [10, 10], [10, 30, 20]])
def test_observations_of_a_learning_curve_increase(project, numbers):
    text = complaint(changed(numbers, "learning_curve", "observations"))
    assert f"config.yaml: learning_curve.observations: {', '.join(map(str, numbers))} do not increase" in text
    assert f"allowed: {', '.join(map(str, sorted(set(numbers))))})" in text


@pytest.mark.parametrize("numbers", [[], [0, 10], [1.5], 10])
def test_observations_of_a_learning_curve_are_whole_numbers(project, numbers):
    assert "config.yaml: learning_curve.observations" in complaint(changed(numbers, "learning_curve", "observations"))


def test_a_learning_curve_draws_fewer_observations_than_each_taught_cell_has(project):
    # One in-sample cell was recorded 299 times; a live teacher is asked `observations` times.
    live = {"teacher": local_teacher(), "observations": 40}
    for config, most in ((CONFIG, 298), (CONFIG | live, 39)):
        for number in (most, most + 1):
            numbered = config | {"learning_curve": {"observations": [10, number]}}
            if number == most:
                check_learning_curve(numbered, "config.yaml", Path("resources"))
                continue
            with pytest.raises(UserError) as caught:
                check_learning_curve(numbered, "config.yaml", Path("resources"))
            text = str(caught.value)
            assert f"config.yaml: learning_curve.observations: {number}" in text
            assert f"allowed: less than {most + 1}" in text


@pytest.mark.parametrize("name", ["stag_hunt-x1", "stag_hunt-x1.0"])
def test_a_taught_cell_under_another_name_is_still_taught(project, name):
    config = changed({"games": [name], "contexts": ["business"]}, "splits", "again") | {"teacher": local_teacher()}
    text = complaint(config)
    assert "splits.again" in text and "in_sample" in text


@pytest.mark.parametrize(
    ("file", "text", "parts"),
    [
        ("contexts/sports.yaml", "{}", ["sports.yaml", "missing key 'situation'"]),
        (
            "games/snowdrift.yaml",
            "{family: snowdrift, payoffs: {T: 1, R: 2, S: 3, P: 4}}",
            ["snowdrift.yaml: payoffs", "snowdrift needs T > R > S > P", "T = 1"],
        ),
        ("games/snowdrift.yaml", "{family: war, payoffs: {}}", ["snowdrift.yaml: family: 'war'"]),
        ("prompt_formats/choice.yaml", "{system: Hi, user: Hi, outcome: Hi}", ["choice.yaml: system"]),
    ],
)
def test_a_broken_resource_is_named(project, file, text, parts):
    (project / "resources" / file).write_text(text)
    found = complaint(CONFIG)
    for part in parts:
        assert part in found


def test_a_broken_resource_that_no_split_uses_does_not_matter(project):
    (project / "resources" / "contexts" / "draft.yaml").write_text("situation: [")
    check_study(CONFIG, "config.yaml", Path("resources"))


def test_a_model_folder_on_disk_is_enough(project, tiny_folder):
    check_study(
        changed(local_teacher(source="folder", folder=str(tiny_folder)), "student"), "config.yaml", Path("resources")
    )


def public_goods(**changes) -> dict:
    """The default config with another split of public goods games."""
    return changed({"games": ["public_goods"], "contexts": ["neutral"]} | changes, "splits", "public_goods")


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        (
            public_goods(games=["public_goods", "snowdrift"]),
            ["splits.public_goods.games: snowdrift", "allowed: number"],
        ),
        (public_goods(contexts=["sports"]), ["splits.public_goods.contexts: 'sports'", "allowed: neutral"]),
        (public_goods(games=["public_goods-x0.25"]), ["public_goods-x0.25", "2.5 dollars"]),
        (public_goods(games=["public_goods-x2"]), ["observed_contributions.csv", "'teacher' for public_goods-x2"]),
        (
            changed(public_goods()["splits"]["public_goods"], "splits", "in_sample"),
            ["splits.in_sample.games: students are trained on choices"],
        ),
        (
            changed({"counts": "resources/paper/observed_choices.csv", "model": "teacher"}, "teacher", "recorded"),
            ["config.yaml: teacher.recorded: missing key 'contributions'", "'public_goods'"],
        ),
    ],
)
def test_a_split_of_public_goods_that_can_not_run_is_refused(project, config, parts):
    text = complaint(config)
    for part in parts:
        assert part in text


def test_without_public_goods_no_contributions_are_needed(project):
    config = changed({"counts": "resources/paper/observed_choices.csv", "model": "teacher"}, "teacher", "recorded")
    del config["splits"]["public_goods"]
    check_study(config, "config.yaml", Path("resources"))


def test_a_live_teacher_may_play_any_public_good(project):
    config = public_goods(games=["public_goods", "public_goods-x2"]) | {"teacher": local_teacher()}
    check_study(config, "config.yaml", Path("resources"))


# Game sets and computed teachers

COMPUTED = {"name": "logit", "engine": "computed", "computed": {"behaviour": "logit"}}


def many_games(in_sample: list[str], other: list[str] = (), **changes) -> dict:
    """A config of a computed teacher, its games in one context."""
    splits = {"in_sample": {"games": in_sample, "contexts": ["neutral"]}}
    splits |= {"unseen": {"games": list(other), "contexts": ["neutral"]}} if other else {}
    return CONFIG | {"splits": splits, "teacher": COMPUTED} | changes


def exact(config: dict) -> dict:
    """The config with exact probabilities as the training's target."""
    return config | {"training": config["training"] | {"target": "probabilities"}}


def test_a_computed_teacher_answers_in_sets_of_any_2x2_games(project):
    config = many_games(["drawn-0..255", "stag_hunt"], ["drawn-300", "textbook-0..7-column", "drawn-0..63-x2"])
    check_study(config, "config.yaml", Path("resources"))
    check_study(exact(config), "config.yaml", Path("resources"))


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        (many_games(["drawn-0..9", "drawn-5..12"]), ["splits.in_sample.games", "a game is named twice"]),
        (many_games(["drawn-0..9"], ["drawn-9..12"]), ["splits.unseen: drawn-9 in neutral is trained on"]),
        (many_games(["textbook-0..8"]), ["textbook.csv: no game 8", "allowed: 0 to 7"]),
        (many_games(["drawn-9..2"]), ["drawn-9..2", "allowed: drawn-2..9"]),
        (many_games(["drawn-0..4-column"]), ["drawn-0-column", "symmetric"]),
        (many_games(["stag_hunt-0..4"]), ["stag_hunt-0", "no game set"]),
        (many_games(["drawn-0to4"]), ["splits.in_sample.games.0", "drawn-0..255"]),
        (many_games(["drawn-007"]), ["splits.in_sample.games.0"]),
        (
            many_games(["drawn_asymmetric-0..3"], prompt_format="choice_told"),
            ["config.yaml: prompt_format: 'choice_told'", "none does in drawn_asymmetric-0 of splits.in_sample"],
        ),
        (
            many_games(["drawn-0..3"], teacher=COMPUTED | {"computed": {"behaviour": "logic"}}),
            ["config.yaml: teacher.computed.behaviour: 'logic' has no file", "logit"],
        ),
        (
            many_games(["drawn-0..3"]) | {"splits": CONFIG["splits"]},
            ["config.yaml: splits.public_goods: a computed teacher answers in 2x2 games alone", "recorded: false"],
        ),
        (
            many_games(["drawn-0..3"], teacher=CONFIG["teacher"]),
            ["drawn.yaml: nobody recorded answers for drawn-0 in neutral", "recorded: false"],
        ),
        (
            many_games(["drawn-0..3"], student=CONFIG["student"] | {"computed": {"behaviour": "logit"}}),
            ["student.computed", "allowed: wheel"],
        ),
    ],
)
def test_games_and_teachers_that_are_none_are_refused(project, config, parts):
    text = complaint(config)
    for part in parts:
        assert part in text


def test_a_game_with_the_payoffs_of_a_taught_one_is_not_new(project, tmp_path):
    table = tmp_path / "games.csv"
    table.write_text("a,b,c,d\n4,1,3,2\n5,1,3,2\n4,1,3,2\n8,2,6,4\n")
    mine = Path("resources/games/mine.yaml")
    mine.write_text(f"family: table\ntable: {table}\nrow_payoffs: [a, b, c, d]\n")
    text = complaint(many_games(["mine-0"], ["mine-1..2"]))
    assert "splits.unseen.games: mine-2 has the payoffs of mine-0" in text and "allowed" in text
    assert "mine-3 has the payoffs of mine-0-x2" in complaint(many_games(["mine-0-x2"], ["mine-3"]))
    check_study(many_games(["mine-0"], ["mine-1"]), "config.yaml", Path("resources"))


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (
            {"teacher": CONFIG["teacher"], "splits": CONFIG["splits"]},
            ["a recorded teacher has counts", "allowed: label"],
        ),
        ({"prompt_format": "motivation_then_choice"}, ["allowed: a prompt format of the form choice"]),
        ({"option_orders": ["cooperation_first"]}, ["cooperation_last, in which it isn't asked", "allowed"]),
    ],
)
def test_exact_probabilities_are_learnt_where_the_teacher_has_them(project, changes, parts):
    text = complaint(exact(many_games(["drawn-0..3"]) | changes))
    for part in ["config.yaml: training.target: 'probabilities'", *parts]:
        assert part in text


def quantised_folder(tiny_folder, folder: Path, method: str) -> str:
    shutil.copytree(tiny_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": {"quant_method": method}}))
    return str(folder)


@pytest.mark.parametrize("precision", ["nf4", "float32", "bfloat16", "source"])
@pytest.mark.parametrize("method", ["gptq", "awq", "fp8", "bitsandbytes"])
def test_a_student_that_is_quantised_already_is_refused_before_any_job(project, tiny_folder, method, precision):
    folder = quantised_folder(tiny_folder, project / "quantised", method)
    config = changed({"source": "folder", "folder": folder, "precision": precision}, "student")
    config["student"] = CONFIG["student"] | config["student"]
    if (method, precision) == ("bitsandbytes", "source"):
        check_study(config, "config.yaml", Path("resources"))
    else:
        said = complaint(config)
        assert said.startswith(f"config.yaml: student.folder: {folder}: its weights are quantised ({method})"), said


@pytest.mark.parametrize(
    ("engine", "gpus", "runs"), [("transformers", 0, False), ("vllm", 0, False), ("vllm", 1, True)]
)
def test_a_quantised_teacher_is_one_for_vllm_on_a_gpu(project, tiny_folder, engine, gpus, runs):
    folder = quantised_folder(tiny_folder, project / "quantised", "awq")
    teacher = local_teacher(source="folder", folder=folder, precision="source", engine=engine, gpus=gpus)
    if runs:
        check_study(changed(teacher, "teacher"), "config.yaml", Path("resources"))
    else:
        assert f"teacher.folder: {folder}: " in complaint(changed(teacher, "teacher"))


def test_tensorboard_is_asked_for_where_its_package_is_there(project, monkeypatch):
    config = CONFIG | {"tensorboard": True}
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    said = complaint(config)
    assert said.startswith("config.yaml: tensorboard: true needs") and "pip install tensorboardX==" in said
    check_study(CONFIG | {"tensorboard": False}, "config.yaml", Path("resources"))
    monkeypatch.setattr(checks, "find_spec", lambda name: name)
    check_study(config, "config.yaml", Path("resources"))


def test_breadth_needs_a_game_set(project):
    with pytest.raises(UserError) as caught:
        check_breadth(CONFIG, "config.yaml", Path("resources"))
    assert str(caught.value).startswith("config.yaml: splits.in_sample.games: prisoners_dilemma is no game of a set")
    assert "config/breadth.yaml" in str(caught.value)
    config = yaml.safe_load((Path(__file__).parents[2] / "config" / "breadth.yaml").read_text())
    check_breadth(CONFIG | config, "config.yaml", Path("resources"))
