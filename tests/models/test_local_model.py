"""A model on disk: its flags, what identifies it, and the check of its files."""

import argparse
import shutil
from dataclasses import replace

import pytest

from tom.core.errors import UserError
from tom.engines.vllm_settings import VllmSettings
from tom.models.local_model import LocalModel


def parse(words: list[str]) -> LocalModel:
    parser = argparse.ArgumentParser()
    LocalModel.add_arguments(parser)
    return LocalModel.from_arguments(parser.parse_args(words))


@pytest.mark.parametrize("name", ["local_model", "adapted_model"])
@pytest.mark.parametrize("vllm", [None, VllmSettings(), VllmSettings("merged", 2, 0.85, True)])
def test_its_flags_name_the_same_model(request, name, vllm):
    model = replace(request.getfixturevalue(name), vllm=vllm)
    assert parse(model.arguments()) == model


def test_its_engine_is_part_of_its_name(local_model):
    assert local_model.engine == "transformers"
    assert replace(local_model, vllm=VllmSettings()).engine == "vllm"


def test_its_content_is_what_its_results_depend_on(local_model, adapted_model, tmp_path):
    assert local_model.content() == (local_model.sha256, None, 1, "transformers")
    assert adapted_model.content() == (local_model.sha256, adapted_model.adapter_sha256, 1, "transformers")
    others = [
        replace(local_model, threads=2),
        *(replace(local_model, vllm=VllmSettings(*settings)) for settings in [(), ("merged",), ("runtime", 2)]),
    ]
    assert len({model.content() for model in [local_model, *others]}) == 5
    shutil.copy(local_model.manifest, tmp_path / "moved.json")
    assert replace(local_model, manifest=tmp_path / "moved.json").content() == local_model.content()


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
