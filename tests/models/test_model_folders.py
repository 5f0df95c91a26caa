"""Manifests: any change in a model folder is found and named."""

import json
import shutil

import pytest

from tom.core.errors import UserError
from tom.models.model_folders import check_is_model, hash_folder, link_folder, read_manifest, verify, write_manifest


@pytest.fixture
def model(tmp_path):
    """A folder that looks like a model, and its manifest."""
    folder = tmp_path / "model"
    (folder / "inner").mkdir(parents=True)
    for name in ("config.json", "tokenizer_config.json", "model.safetensors", "inner/extra.json"):
        (folder / name).write_text(f"content of {name}")
    write_manifest(tmp_path / "manifest.json", folder, source="somewhere")
    return folder


@pytest.fixture
def manifest(model):
    return read_manifest(model.parent / "manifest.json")


def test_a_manifest_lists_every_file_with_its_hash(model, manifest):
    assert sorted(manifest["files"]) == [
        "config.json",
        "inner/extra.json",
        "model.safetensors",
        "tokenizer_config.json",
    ]
    assert manifest["files"] == hash_folder(model)
    assert manifest["source"] == "somewhere"
    verify(model, manifest)


def test_equal_folders_have_equal_manifests(model, manifest, tmp_path):
    shutil.copytree(model, tmp_path / "copy")
    write_manifest(tmp_path / "copy.json", tmp_path / "copy", source="somewhere")
    assert (tmp_path / "copy.json").read_bytes() == (tmp_path / "manifest.json").read_bytes()


@pytest.mark.parametrize("change", ["other bytes", "renamed", "removed", "added"])
def test_any_change_changes_the_folders_hash(model, manifest, change):
    file = model / "config.json"
    if change == "other bytes":
        file.write_text("content of config.jsoN")
    elif change == "renamed":
        file.rename(model / "Config.json")
    elif change == "removed":
        file.unlink()
    else:
        (model / "more").touch()
    write_manifest(model.parent / "again.json", model, source="somewhere")
    assert read_manifest(model.parent / "again.json")["sha256"] != manifest["sha256"]


def test_a_changed_file_is_named_with_both_hashes(model, manifest):
    (model / "model.safetensors").write_text("other weights")
    with pytest.raises(UserError) as caught:
        verify(model, manifest)
    for part in (
        str(model / "model.safetensors"),
        manifest["files"]["model.safetensors"],
        hash_folder(model)["model.safetensors"],
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "inner/extra.json"])
def test_a_missing_file_is_named(model, manifest, name):
    (model / name).unlink()
    with pytest.raises(UserError, match="missing") as caught:
        verify(model, manifest)
    assert str(model / name) in str(caught.value)


def test_an_extra_file_is_named(model, manifest):
    (model / "inner" / "adapter_model.bin").touch()
    with pytest.raises(UserError, match="not listed") as caught:
        verify(model, manifest)
    assert str(model / "inner" / "adapter_model.bin") in str(caught.value)


@pytest.mark.parametrize("name", [".snakemake_timestamp", ".cache/huggingface/config.json.metadata"])
def test_hidden_files_are_left_out(model, manifest, name):
    (model / name).parent.mkdir(parents=True, exist_ok=True)
    (model / name).write_text("2026-01-01")
    assert hash_folder(model) == manifest["files"]
    verify(model, manifest)


def test_a_folder_of_links_equals_the_folder(model, manifest, tmp_path):
    (tmp_path / "linked").mkdir()
    link_folder(model, tmp_path / "linked")
    assert (tmp_path / "linked" / "inner" / "extra.json").is_symlink()
    assert not any(path.is_symlink() for path in model.rglob("*"))
    verify(tmp_path / "linked", manifest)


def test_hidden_files_are_not_linked(model, tmp_path):
    (model / ".snakemake_timestamp").touch()
    link_folder(model, tmp_path / "linked")
    assert hash_folder(tmp_path / "linked") == hash_folder(model)
    assert not (tmp_path / "linked" / ".snakemake_timestamp").exists()


def test_links_of_links_lead_to_the_files_themselves(model, tmp_path):
    for source, target in (("model", "one"), ("one", "two")):
        (tmp_path / target).mkdir()
        link_folder(tmp_path / source, tmp_path / target)
    shutil.rmtree(tmp_path / "one")
    assert hash_folder(tmp_path / "two") == hash_folder(model)


def test_a_link_whose_file_is_gone_counts_as_missing(model, manifest, tmp_path):
    (tmp_path / "linked").mkdir()
    link_folder(model, tmp_path / "linked")
    (model / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"model\.safetensors: listed in the manifest, missing"):
        verify(tmp_path / "linked", manifest)


@pytest.mark.parametrize("content", [None, "", '{"files": {', "[]", "{}", '{"sha256": "0"}'])
def test_a_broken_manifest_is_named(content, tmp_path):
    file = tmp_path / "broken.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match="no readable manifest") as caught:
        read_manifest(file)
    assert str(file) in str(caught.value)


def test_the_folders_hash_is_computed_from_the_list_of_files(model, manifest):
    file = model.parent / "manifest.json"
    file.write_text(json.dumps(manifest | {"sha256": "0" * 64}))
    assert read_manifest(file)["sha256"] == manifest["sha256"]


@pytest.mark.parametrize("weights", ["model.safetensors", "model-00001-of-00002.safetensors", "pytorch_model.bin"])
def test_a_model_has_config_weights_and_tokenizer(model, weights):
    (model / "model.safetensors").rename(model / weights)
    check_is_model(model)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("config.json", "config.json"),
        ("tokenizer_config.json", "tokenizer_config.json"),
        ("model.safetensors", "model.safetensors (or its shards)"),
    ],
)
def test_a_missing_part_of_a_model_is_named(model, name, part):
    (model / name).unlink()
    with pytest.raises(UserError) as caught:
        check_is_model(model)
    assert str(caught.value) == f"{model}: not a model folder, it lacks {part}"


def test_a_missing_model_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="no such model folder"):
        check_is_model(tmp_path / "nowhere")
