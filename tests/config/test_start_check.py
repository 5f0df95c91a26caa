"""What a local model can't do is refused before a run's first job, and what passed is not checked again."""

import json
import shutil
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from check_model import check, prompts

from tom.config import start_check
from tom.config.start_check import check_at_start
from tom.core.errors import UserError

pytestmark = pytest.mark.model
CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())


@pytest.fixture
def project(root, tmp_path, monkeypatch) -> Path:
    shutil.copytree(root / "resources", tmp_path / "resources")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(start_check, "private_folder", lambda: tmp_path)
    return tmp_path


def changed(section: str, **changes) -> dict:
    config = deepcopy(CONFIG)
    config[section] |= changes
    return config


def test_the_default_config_passes_on_a_model_that_fits_it(project, tiny_folder):
    check("student", tiny_folder, CONFIG, Path("resources"))


def test_every_context_of_every_kind_of_game_is_written(project):
    numbers = {"games": ["public_goods", "public_goods-x2"], "contexts": ["neutral"]}
    in_sample = CONFIG["splits"]["in_sample"]
    config = CONFIG | {"splits": {"in_sample": in_sample, "numbers": numbers}}
    places = {Path(place).stem for place, _, _ in prompts(config, Path("resources"))}
    assert places == {*in_sample["contexts"], "neutral"}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (changed("training", target_modules="q_proj,v_porj"), "training.target_modules: .* no layer v_porj"),
        (changed("student", template={"thinks": False}), "template.thinks: its chat template has no such variable"),
        (changed("student", template={"strftime_now": "2024-07-26"}), "template.strftime_now: .*no such variable"),
    ],
)
def test_what_the_config_asks_and_the_model_lacks_is_refused(project, tiny_folder, config, said):
    with pytest.raises(UserError, match=said):
        check("student", tiny_folder, config, Path("resources"))


@pytest.mark.parametrize(
    ("situation", "said"),
    [
        ("You meet.\ufdd0", "business.yaml: .*a text of the user holds a Unicode noncharacter"),
        ("You meet again. " * 3000, r"business\.yaml: .* takes up to \d+ tokens, and the model has 2048 positions"),
    ],
)
def test_a_situation_that_is_no_text_or_too_long_is_refused(project, tiny_folder, situation, said):
    Path("resources/contexts/business.yaml").write_text(f"situation: '{situation}'\n")
    with pytest.raises(UserError, match=said):
        check("student", tiny_folder, CONFIG, Path("resources"))


def test_frozen_adapters_need_no_layers_of_the_config(project, tiny_folder):
    check("student", tiny_folder, changed("training", target_modules="none") | {"adapters": "a"}, Path("resources"))


def test_a_teacher_that_vllm_serves_may_be_of_any_architecture(project, tiny_folder):
    shutil.copytree(tiny_folder, project / "teacher")
    config = json.loads((tiny_folder / "config.json").read_text()) | {"model_type": "bloom"}
    (project / "teacher" / "config.json").write_text(json.dumps(config))
    teacher = {"engine": "vllm", "precision": "source"}
    check("teacher", project / "teacher", CONFIG | {"teacher": teacher}, Path("resources"))
    with pytest.raises(UserError, match="BloomForCausalLM"):
        check(
            "teacher",
            project / "teacher",
            CONFIG | {"teacher": teacher | {"engine": "transformers"}},
            Path("resources"),
        )


def test_what_passed_is_remembered_until_something_changes(project, tiny_folder, monkeypatch):
    runs = []

    class Done:
        returncode, stderr = 0, ""

    monkeypatch.setattr(start_check.subprocess, "run", lambda *_, **__: runs.append(1) or Done)
    for config, code in ((CONFIG, "a"), (CONFIG, "a"), (CONFIG, "b"), (changed("student", gpus=1), "a"), (CONFIG, "a")):
        check_at_start("student", tiny_folder, config, Path("resources"), code)
    assert len(runs) == 3
    with Path("resources/contexts/business.yaml").open("a") as file:
        file.write("\n")
    check_at_start("student", tiny_folder, CONFIG, Path("resources"), "a")
    assert len(runs) == 4


def test_a_refusal_is_one_line_and_is_not_remembered(project, tiny_folder):
    config = changed("training", target_modules="none")
    with pytest.raises(UserError, match=r"^student: training\.target_modules: the model has no layer none"):
        check_at_start("student", tiny_folder, config, Path("resources"), "a")
    assert not (project / "checked").exists()
