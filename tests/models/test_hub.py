"""Models from a hub: fetched once into a shared cache, checked by hash, and then available offline."""

import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import Mock

import fetch_model
import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from tom.core.errors import UserError
from tom.models.model_folders import read_manifest
from tom.models.sources import check_blobs, fetch_repository

REVISION = "0123abcd"
HEADER = b'{"a":{"dtype":"U8","shape":[700],"data_offsets":[0,700]}}'
WEIGHTS = len(HEADER).to_bytes(8, "little") + HEADER + b"weights" * 100
CONTENT = {"config.json": b"{}", "tokenizer_config.json": b"{ }", "model.safetensors": WEIGHTS}


class Hub:
    """A fake snapshot_download with the file layout of the hub client, which records its downloads."""

    def __init__(self):
        self.downloads = 0
        self.online = True

    def snapshot_download(self, repository, *, revision, allow_patterns, cache_dir):
        folder = cache_dir / f"models--{repository.replace('/', '--')}"
        snapshot = folder / "snapshots" / revision
        if not snapshot.is_dir():
            if not self.online:
                raise LocalEntryNotFoundError("no network")
            self.downloads += 1
            (folder / "blobs").mkdir(parents=True)
            snapshot.mkdir(parents=True)
            for name, content in CONTENT.items():
                large = name.endswith(".safetensors")
                blob = folder / "blobs" / (hashlib.sha256 if large else hashlib.sha1)(content).hexdigest()
                blob.write_bytes(content)
                (snapshot / name).symlink_to(blob)
        return str(snapshot)


@pytest.fixture
def hub(monkeypatch):
    faked = Hub()
    monkeypatch.setattr(huggingface_hub, "snapshot_download", faked.snapshot_download)
    return faked


@pytest.fixture
def fetch(hub, tmp_path, monkeypatch):
    """Run the script as the rule does, in a new project; returns the project's folder."""

    def run(project):
        folder = tmp_path / project
        words = ["hub", "--repository", "owner/name", "--revision", REVISION, "--cache", tmp_path / "cache"]
        words += ["--output", folder / "weights", "--output-manifest", folder / "manifest.json"]
        monkeypatch.setattr(sys, "argv", ["fetch_model.py", *map(str, words)])
        fetch_model.main()
        return folder

    return run


def test_projects_share_one_download(fetch, hub, tmp_path):
    one, other = fetch("one"), fetch("other")
    assert hub.downloads == 1
    for folder in (one, other):
        manifest = read_manifest(folder / "manifest.json")
        assert manifest["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
        assert (folder / "weights/model.safetensors").resolve().is_relative_to(tmp_path / "cache/hub")
    assert json.loads((one / "manifest.json").read_text())["source"] == "hub"


def test_a_cached_repository_needs_no_network(fetch, hub):
    fetch("one")
    hub.online = False
    assert (fetch("other") / "manifest.json").exists()


def test_a_repository_that_can_not_be_fetched_is_named(fetch, hub):
    hub.online = False
    with pytest.raises(UserError, match=f"hub owner/name at {REVISION}: no network"):
        fetch("one")


def test_corrupted_cached_weights_are_refused(fetch, tmp_path):
    weights = (fetch("one") / "weights/model.safetensors").resolve()
    weights.write_bytes(b"other")
    with pytest.raises(UserError, match=f"the hub says {weights.name}; delete"):
        fetch("other")
    assert not (tmp_path / "other/manifest.json").exists()


def test_files_outside_the_cache_layout_are_not_checked(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    check_blobs(tmp_path)


@pytest.mark.parametrize("reason", ["Server disconnected", ""])
def test_errors_of_the_clients_own_libraries_are_named(fetch, monkeypatch, reason):
    class ReadError(Exception):
        pass

    monkeypatch.setattr(huggingface_hub, "snapshot_download", Mock(side_effect=ReadError(reason)))
    with pytest.raises(UserError, match=f"hub owner/name at {REVISION}: {reason or 'ReadError'}"):
        fetch("one")


def test_a_hub_out_of_reach_is_named_once_with_what_is_allowed(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    address = "http://127.0.0.1:9"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    client = huggingface_hub.HfApi
    there = {"endpoint": address}
    monkeypatch.setattr("huggingface_hub._snapshot_download.HfApi", lambda **named: client(**named | there))
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    with pytest.raises(UserError) as caught:
        fetch_repository("owner/name", REVISION, tmp_path)
    said = str(caught.value)
    assert said.startswith(f"hub owner/name at {REVISION}: {address} can't be reached (ConnectError: "), said
    assert "onnection refused" in said and "Please check" not in said and "\n" not in said
    assert "the same command again" in said and "`source: folder`" in said and "`cache`" in said
    assert not caplog.records


def test_what_a_hub_answers_is_not_hidden_by_what_the_cache_lacks(refusing, monkeypatch, tmp_path):
    refusing(503, {"X-Error-Message": "Down for an hour."})
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    with pytest.raises(UserError, match="503") as caught:
        fetch_repository("owner/name", REVISION, tmp_path)
    assert "can't be reached" not in str(caught.value) and "Please check" not in str(caught.value)


@pytest.fixture
def refusing(monkeypatch):
    """Make a server that answers the hub's real client with one status and headers, and no token at hand."""
    servers, client = [], huggingface_hub.HfApi

    def start(status: int, headers: dict[str, str]) -> str:
        class Refusal(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                for name, value in (headers | {"Content-Length": "0"}).items():
                    self.send_header(name, value)
                self.end_headers()

            do_HEAD = do_GET

            def log_message(self, *words):
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        for name, value in {"ENDPOINT": address, "HF_HUB_OFFLINE": False}.items():
            monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)

        def asking(**named):
            return client(**named | {"endpoint": address, "token": False})

        monkeypatch.setattr("huggingface_hub._snapshot_download.HfApi", asking)
        return address

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_repository_says_where_to_accept_its_terms(refusing, tmp_path, status):
    address = refusing(status, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted."})
    with pytest.raises(UserError) as caught:
        fetch_repository("owner/name", REVISION, tmp_path)
    said = str(caught.value)
    assert said.startswith(f"hub owner/name at {REVISION}: gated repository: accept its terms at {address}/owner/name,")
    assert "set HF_TOKEN or run `hf auth login`" in said
    assert "Cannot access gated repo" in said and "Access is restricted." in said
    assert "\n" not in said


def test_a_private_or_unknown_repository_says_how_to_log_in(refusing, tmp_path):
    refusing(401, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
    with pytest.raises(UserError, match=r"no such repository, or a private one: .*HF_TOKEN.*401 Client Error"):
        fetch_repository("owner/name", REVISION, tmp_path)
