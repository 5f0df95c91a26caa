"""Paths of a config: where they are looked for, how they are written, and which are refused."""

from copy import deepcopy

import pytest
import yaml

from tom.config.checks import check_study
from tom.config.paths import check_results, settle_paths
from tom.core.errors import UserError


@pytest.fixture
def default(root, monkeypatch) -> dict:
    monkeypatch.chdir(root)
    return yaml.safe_load((root / "config" / "config.yaml").read_text())


def test_what_is_not_here_is_taken_from_the_project(tmp_path, monkeypatch):
    (tmp_path / "project" / "models" / "a").mkdir(parents=True)
    (tmp_path / "run" / "own").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "run")
    config = {"student": {"folder": "own"}, "teacher": {"folder": "models/a"}, "adapters": "nowhere"}
    settle_paths(config, tmp_path / "project")
    assert config["student"]["folder"] == "own"
    assert config["teacher"]["folder"] == str(tmp_path / "project" / "models" / "a")
    assert config["adapters"] == "nowhere"


def test_the_home_folder_and_slashes_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    config = {"student": {"folder": "~/models/a"}, "results": "./a//b/"}
    settle_paths(config, tmp_path)
    assert config == {"student": {"folder": str(tmp_path / "home/models/a")}, "results": "a/b"}


def test_a_config_of_other_types_is_left_to_the_schema(tmp_path):
    config = {"student": "tiny", "teacher": {"recorded": ["counts"], "folder": 3}, "results": None}
    before = deepcopy(config)
    settle_paths(config, tmp_path)
    assert config == before


def test_the_default_config_is_unchanged(default, root):
    config = deepcopy(default)
    settle_paths(config, root)
    assert config == default


@pytest.mark.parametrize("results", ["a b", "résults 'a' $b \"c\"/d", "../x", "/x", "a*?[b]", "$(x)`y`", "日本"])
def test_results_may_have_any_name(default, resources, results):
    check_study(default | {"results": results}, "my.yaml", resources)


@pytest.mark.parametrize("results", ["", ".", "..", "a{b}", "{", " a", "a ", "a\nb", "a\0b"])
def test_results_that_snakemake_would_read_otherwise_are_refused(default, resources, results):
    with pytest.raises(UserError, match=r"^my\.yaml: results: .*allowed: a path with no braces"):
        check_study(default | {"results": results}, "my.yaml", resources)


@pytest.mark.parametrize(("key", "value"), [("folder", "a{b}"), ("name", "two\nlines")])
def test_a_model_whose_folder_has_braces_or_whose_name_has_lines_is_refused(default, resources, key, value):
    student = {"name": "mine", "engine": "transformers", "source": "folder", "folder": "a", "precision": "nf4"}
    student |= {"compute_dtype": "float32", "gpus": 0, "billions": 1} | {key: value}
    with pytest.raises(UserError, match=rf"^my\.yaml: student\.{key}: "):
        check_study(default | {"student": student}, "my.yaml", resources)


def test_results_that_can_be_no_folder_are_refused(tmp_path, resources):
    (tmp_path / "file").touch()
    check_results({"results": str(tmp_path / "a" / "b")}, "my.yaml", resources)
    for results in ("file", "file/results"):
        with pytest.raises(UserError, match=r"^my\.yaml: results: .*file is no folder"):
            check_results({"results": str(tmp_path / results)}, "my.yaml", resources)
    for results in ("/proc/1/results", "/proc/x"):
        with pytest.raises(UserError, match=r"/proc(/1)? takes no new folder"):
            check_results({"results": results}, "my.yaml", resources)
