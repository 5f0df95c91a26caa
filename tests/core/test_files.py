"""Whole files and folders: all or nothing, with the permissions of the user's mask."""

import hashlib
import json
import os

import pytest

from tom.core.files import atomic_file, atomic_folder, file_sha256, write_json


@pytest.fixture(params=[0o022, 0o002, 0o077])
def mask(request):
    """A mask for new files; the permissions it leaves are what a test expects."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path) -> int:
    return path.stat().st_mode & 0o777


def test_a_file_appears_whole_at_the_end(tmp_path):
    target = tmp_path / "deep" / "er" / "target"
    with atomic_file(target) as temporary:
        temporary.write_text("new")
        assert temporary.parent == target.parent
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failed_body_leaves_the_old_file_and_nothing_else(tmp_path, error):
    target = tmp_path / "target"
    target.write_text("old")
    with pytest.raises(error), atomic_file(target) as temporary:
        temporary.write_text("half of the n")
        raise error
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_readers_of_the_old_file_keep_it(tmp_path):
    target = tmp_path / "target"
    target.write_text("old")
    with target.open() as reader:
        with atomic_file(target) as temporary:
            temporary.write_text("new")
        assert reader.read() == "old"


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    target = tmp_path / "target"
    with atomic_file(target) as one, atomic_file(target) as other:
        one.write_text("one")
        other.write_text("other")
        assert one != other
    assert target.read_text() == "one"  # the outer one ended last


def test_a_file_has_the_masks_permissions(tmp_path, mask):
    with atomic_file(tmp_path / "target") as temporary:
        temporary.write_text("new")
    assert mode(tmp_path / "target") == 0o666 & ~mask


def test_a_folder_appears_whole_and_takes_the_old_ones_place(tmp_path):
    target = tmp_path / "deep" / "target"
    target.mkdir(parents=True)
    (target / "old").touch()
    with atomic_folder(target) as temporary:
        (temporary / "new").touch()
        assert [path.name for path in target.iterdir()] == ["old"]
    assert [path.name for path in target.iterdir()] == ["new"]
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failed_body_leaves_the_old_folder_and_nothing_else(tmp_path, error):
    target = tmp_path / "target"
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(error), atomic_folder(target) as temporary:
        (temporary / "new").touch()
        raise error
    assert [path.name for path in target.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_and_its_files_have_the_masks_permissions(tmp_path, mask):
    with atomic_folder(tmp_path / "target") as temporary:
        (temporary / "inner").mkdir()
        for name in ("weights", "inner/weights"):
            (temporary / name).touch(mode=0o600)  # as safetensors makes its files
    assert mode(tmp_path / "target") == mode(tmp_path / "target" / "inner") == 0o777 & ~mask
    assert mode(tmp_path / "target" / "weights") == mode(tmp_path / "target" / "inner" / "weights") == 0o666 & ~mask


def test_what_a_link_leads_to_keeps_its_permissions(tmp_path):
    (tmp_path / "weights").touch(mode=0o600)
    with atomic_folder(tmp_path / "target") as temporary:
        (temporary / "weights").symlink_to(tmp_path / "weights")
    assert mode(tmp_path / "weights") == 0o600


def test_the_mask_itself_is_left_as_it_was(tmp_path, mask):
    with atomic_file(tmp_path / "target") as temporary:
        temporary.touch()
    assert os.umask(mask) == mask


def test_json_is_readable_sorted_and_ends_its_last_line(tmp_path):
    write_json(tmp_path / "target.json", {"b": 1, "a": ["é"]})
    text = (tmp_path / "target.json").read_text()
    assert text == '{\n  "a": [\n    "é"\n  ],\n  "b": 1\n}\n'
    assert json.loads(text) == {"b": 1, "a": ["é"]}


def test_a_document_that_is_no_json_leaves_the_old_one(tmp_path):
    write_json(tmp_path / "target.json", 1)
    with pytest.raises(TypeError):
        write_json(tmp_path / "target.json", object())
    assert (tmp_path / "target.json").read_text() == "1\n"


@pytest.mark.parametrize("content", [b"", b"abc", bytes(3_000_000)])
def test_the_hash_is_of_the_bytes(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()
