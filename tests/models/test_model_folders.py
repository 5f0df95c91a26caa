"""Manifests: any change in a model folder is found and named."""

import hashlib
import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from safetensors.numpy import save_file

from tom.core.errors import UserError
from tom.models import model_folders
from tom.models.checkpoint_files import quantised_by, require_unquantised, tensor_headers
from tom.models.model_folders import (
    REMEMBERED_BYTES,
    check_is_model,
    hash_folder,
    known_sha256,
    link_folder,
    read_manifest,
    verify,
    write_manifest,
)


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


@pytest.fixture
def checkpoint(tmp_path):
    """The files of a model: two tensors in two shards."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    tensors = {"a.weight": np.ones((2, 3), np.float32), "b.weight": np.ones(4, np.float32)}
    listed = {}
    for number, (name, tensor) in enumerate(tensors.items(), 1):
        listed[name] = f"model-0000{number}-of-00002.safetensors"
        save_file({name: tensor}, folder / listed[name])
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": listed}))
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "tokenizer_config.json").write_text("{}")
    return folder


def test_a_model_has_config_weights_and_tokenizer(checkpoint):
    check_is_model(checkpoint)
    assert tensor_headers(checkpoint) == {"a.weight": ("F32", (2, 3)), "b.weight": ("F32", (4,))}


def shorten(file, size=-1):
    file.write_bytes(file.read_bytes()[:size])


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
FIRST, INDEX = "model-00001-of-00002.safetensors", "model.safetensors.index.json"
INCOMPLETE = {
    "no config": (lambda folder: (folder / "config.json").unlink(), "it lacks config.json"),
    "no tokenizer": (lambda folder: (folder / "tokenizer_config.json").unlink(), "it lacks tokenizer_config.json"),
    "no index": (lambda folder: (folder / INDEX).unlink(), f"it lacks {INDEX}, which lists its shards"),
    "a shard missing": (lambda folder: (folder / FIRST).unlink(), f"{FIRST}: missing, though {INDEX} lists it"),
    "a byte missing": (lambda folder: shorten(folder / FIRST), f"{FIRST}: 95 bytes of 96; fetch the model again"),
    "half a header": (lambda folder: shorten(folder / FIRST, 20), f"{FIRST}: 20 bytes that are no safetensors file"),
    "an empty file": (lambda folder: shorten(folder / FIRST, 0), f"{FIRST}: 0 bytes that are no safetensors file"),
    "a page in its place": (lambda folder: (folder / FIRST).write_text("<html>" * 99), "are no safetensors file"),
    "a pointer": (lambda folder: (folder / FIRST).write_text(POINTER), f"{FIRST}: a pointer of Git LFS"),
    "a pointer as tokenizer": (lambda folder: (folder / "tokenizer.json").write_text(POINTER), "git lfs pull"),
    "half a config": (lambda folder: shorten(folder / "config.json"), "config.json: no readable JSON"),
    "a config that is a list": (
        lambda folder: (folder / "config.json").write_text("[]"),
        "config.json: no JSON object",
    ),
    "other tensors": (
        lambda folder: (folder / FIRST).write_bytes((folder / "model-00002-of-00002.safetensors").read_bytes()),
        f"{FIRST}: lacks the tensor a.weight",
    ),
    "half a file of torch": (
        lambda folder: [(folder / INDEX).unlink(), (folder / "pytorch_model.bin").write_bytes(b"PK12")],
        "pytorch_model.bin: cut off",
    ),
}


@pytest.mark.parametrize("case", INCOMPLETE)
def test_an_incomplete_model_is_refused_by_the_name_of_the_file(checkpoint, case):
    damage, said = INCOMPLETE[case]
    damage(checkpoint)
    with pytest.raises(UserError) as caught:
        check_is_model(checkpoint)
    assert str(checkpoint) in str(caught.value) and said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_folder_without_weights_is_named(checkpoint):
    for file in checkpoint.glob("model*"):
        file.unlink()
    with pytest.raises(UserError) as caught:
        check_is_model(checkpoint)
    assert str(caught.value) == f"{checkpoint}: not a model folder, it lacks model.safetensors (or its shards)"


@pytest.mark.parametrize(
    ("settings", "method"),
    [
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "gptq"),
        ({"quantization_config": {"quant_method": "awq"}}, "awq"),
        ({"quantization_config": {"quant_method": "fp8"}}, "fp8"),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}}, "bitsandbytes"),
        ({"text_config": {"quantization_config": {"quant_method": "compressed-tensors"}}}, "compressed-tensors"),
        ({"compression_config": {"format": "pack"}}, "compression_config"),
        ({"text_config": None}, None),
        ({}, None),
    ],
)
def test_weights_that_are_quantised_already_are_known_by_their_method(checkpoint, settings, method):
    (checkpoint / "config.json").write_text(json.dumps(settings))
    assert quantised_by(checkpoint) == method
    if method is None:
        require_unquantised(checkpoint, "nf4")
    else:
        with pytest.raises(UserError, match=f"quantised .{method}. and do not become nf4"):
            require_unquantised(checkpoint, "nf4")


def test_weights_of_eight_bits_are_known_by_their_type(checkpoint):
    header = json.dumps({"a.weight": {"dtype": "F8_E4M3", "shape": [6], "data_offsets": [0, 6]}}).encode()
    (checkpoint / FIRST).write_bytes(len(header).to_bytes(8, "little") + header + bytes(6))
    assert quantised_by(checkpoint) == "safetensors type F8_E4M3"


def test_a_missing_model_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="no such model folder"):
        check_is_model(tmp_path / "nowhere")


@pytest.fixture
def reads(tmp_path, monkeypatch):
    """The files that are read to be hashed, with a memory of this test's own in which files settle at once."""
    monkeypatch.setattr(model_folders, "private_folder", lambda: tmp_path / "memory")
    monkeypatch.setattr(model_folders, "SETTLED_SECONDS", -60)
    found, hashed = [], model_folders.file_sha256
    monkeypatch.setattr(model_folders, "file_sha256", lambda file: found.append(file.name) or hashed(file))
    return found


@pytest.fixture
def large(tmp_path):
    """A file whose hash is remembered."""
    file = tmp_path / "large.safetensors"
    file.write_bytes(bytes(REMEMBERED_BYTES))
    return file


def true_sha256(file) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_large_file_is_read_once_and_small_ones_each_time(reads, large, model, tmp_path):
    shutil.move(large, model / "model.safetensors")
    reads.clear()
    before = hash_folder(model)
    (tmp_path / "linked").mkdir()
    link_folder(model, tmp_path / "linked")
    assert hash_folder(model) == hash_folder(tmp_path / "linked") == before
    assert before["model.safetensors"] == true_sha256(model / "model.safetensors")
    assert reads.count("model.safetensors") == 1
    assert reads.count("config.json") == 3


def grow(file):
    with file.open("ab") as stream:
        stream.write(b"more")


def cut(file):
    os.truncate(file, file.stat().st_size - 1)


def edit_and_set_the_time_back(file):
    status = file.stat()
    with file.open("r+b") as stream:
        stream.write(b"other")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace_by_one_of_the_same_time(file):
    status = file.stat()
    other = file.with_name("other")
    other.write_bytes(b"1" * status.st_size)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(file)


@pytest.mark.parametrize("change", [grow, cut, edit_and_set_the_time_back, replace_by_one_of_the_same_time])
def test_a_file_that_changed_in_any_way_is_read_again(reads, large, change):
    before = known_sha256(large)
    time.sleep(0.02)  # longer than a tick of the file system's clock
    change(large)
    assert known_sha256(large) == true_sha256(large) != before
    assert reads == [large.name] * 2


def test_a_file_that_has_just_been_written_is_not_remembered(reads, large, monkeypatch):
    monkeypatch.setattr(model_folders, "SETTLED_SECONDS", 60)
    assert known_sha256(large) == known_sha256(large) == true_sha256(large)
    assert len(reads) == 2


def test_a_file_that_changes_while_it_is_read_is_not_remembered(reads, large, monkeypatch):
    hashed = model_folders.file_sha256

    def disturbed(file):
        found = hashed(file)
        grow(file)
        return found

    monkeypatch.setattr(model_folders, "file_sha256", disturbed)
    known_sha256(large)
    monkeypatch.setattr(model_folders, "file_sha256", hashed)
    assert known_sha256(large) == true_sha256(large)


def test_without_a_private_folder_every_file_is_read(reads, large, monkeypatch):
    def refuse():
        raise UserError("not a private folder of this user")

    monkeypatch.setattr(model_folders, "private_folder", refuse)
    assert known_sha256(large) == known_sha256(large) == true_sha256(large)
    assert len(reads) == 2


def test_many_at_once_agree(reads, large):
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(known_sha256, [large] * 40)) == {true_sha256(large)}
    assert len(list((model_folders.private_folder() / "hashes").iterdir())) == 1
