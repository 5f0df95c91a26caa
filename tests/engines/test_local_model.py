"""A model on disk: its flags, what identifies it, and the check of its files."""

import argparse
import json
import shutil
from dataclasses import replace

import pytest

from tom.core.errors import UserError
from tom.engines.local_model import LocalModel


def parse(words: list[str]) -> LocalModel:
    parser = argparse.ArgumentParser()
    LocalModel.add_arguments(parser)
    return LocalModel.from_arguments(parser.parse_args(words))


SETTINGS = {"adapter": "merged", "tensor_parallel": 2, "memory_share": 0.85, "eager": True}


@pytest.mark.parametrize("name", ["local_model", "adapted_model"])
@pytest.mark.parametrize(("engine", "settings"), [("transformers", {}), ("vllm", {}), ("vllm", SETTINGS)])
def test_its_flags_name_the_same_model(request, name, engine, settings):
    model = replace(request.getfixturevalue(name), engine=engine, settings=settings)
    assert parse(model.arguments()) == model


def test_without_flags_of_an_engine_transformers_answers(local_model):
    words = [word for word in local_model.arguments() if not word.startswith("--engine")]
    assert parse(words) == local_model and local_model.engine == "transformers"


def test_the_order_of_settings_changes_no_flag(local_model):
    one, other = (
        replace(local_model, engine="vllm", settings=dict(pairs))
        for pairs in (SETTINGS.items(), [*SETTINGS.items()][::-1])
    )
    assert one.arguments() == other.arguments()


@pytest.mark.parametrize("words", ["{", "[]", "3"])
def test_settings_that_are_no_object_are_bad_input(local_model, words):
    with pytest.raises(UserError, match="no JSON object"):
        parse([*local_model.arguments(), "--engine-settings", words])


def test_an_unknown_setting_is_bad_input(local_model):
    with pytest.raises(UserError, match=r"vllm: unknown key 'adaptor' \(allowed: adapter, tensor_parallel"):
        replace(local_model, engine="vllm", settings={"adaptor": "merged"}).content()


def test_its_content_is_what_its_results_depend_on(local_model, adapted_model, tmp_path):
    settings = '{"replies_per_batch": 64}'
    assert local_model.content() == (local_model.sha256, None, 1, "transformers", settings)
    assert adapted_model.content() == (local_model.sha256, adapted_model.adapter_sha256, 1, "transformers", settings)
    others = [
        replace(local_model, threads=2),
        *(
            replace(local_model, engine="vllm", settings=settings)
            for settings in ({}, {"adapter": "merged"}, {"tensor_parallel": 2})
        ),
    ]
    assert len({model.content() for model in [local_model, *others]}) == 5
    shutil.copy(local_model.manifest, tmp_path / "moved.json")
    assert replace(local_model, manifest=tmp_path / "moved.json").content() == local_model.content()


def test_its_content_has_every_setting_whether_it_is_given_or_not(local_model):
    default = replace(local_model, engine="vllm")
    assert json.loads(default.content()[-1]) == {
        "adapter": "runtime", "tensor_parallel": 1, "memory_share": 0.9, "eager": False,
    }  # fmt: skip
    assert replace(default, settings={"adapter": "runtime", "memory_share": 0.9}).content() == default.content()
    whole = (replace(default, settings={"memory_share": share}) for share in (1, 1.0))
    assert len({model.content() for model in whole}) == 1


def test_whole_folders_pass_the_check(adapted_model):
    adapted_model.check()


@pytest.mark.parametrize("part", ["weights", "adapter"])
def test_a_changed_file_fails_the_check(adapted_model, tmp_path, part):
    copy = tmp_path / part
    shutil.copytree(getattr(adapted_model, part), copy)
    (file,) = copy.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(UserError, match="the manifest says") as caught:
        replace(adapted_model, **{part: copy}).check()
    assert str(file) in str(caught.value)


def test_a_missing_manifest_is_named(local_model, tmp_path):
    with pytest.raises(UserError, match="no readable manifest"):
        replace(local_model, manifest=tmp_path / "none.json").check()
