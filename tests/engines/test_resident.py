"""Resident engines: real server processes that answer as one in this process would, and end in time."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path

import psutil
import pytest
from engine_processes import servers, wait_until

from tom.core import code
from tom.core.errors import UserError
from tom.engines import parent_run, resident, transformers_engine
from tom.engines.devices import private_folder
from tom.engines.interface import Question, Request
from tom.engines.registry import engine_names, module_of
from tom.engines.resident import EngineBroke, EngineLost, engine_key, resident_engine
from tom.engines.transformers_engine import TransformersEngine
from tom.sampling.procedures import CHOICES, FREE_REPLIES, NUMBERS


@pytest.fixture(autouse=True)
def no_run_announced(monkeypatch):
    monkeypatch.delenv(parent_run.VARIABLE, raising=False)


@pytest.fixture
def engines(engines_folder, local_model) -> Path:
    """The folder of the tiny model's engines."""
    return engines_folder / f"tom-transfer-{os.getuid()}" / engine_key(local_model)


@pytest.fixture
def run():
    """A process that stands for a run, and a function that ends it."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])

    def end():
        process.kill()
        process.wait()

    yield f"{socket.gethostname()}:{process.pid}:{psutil.Process(process.pid).create_time()}", end
    end()


other_run = run


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_it_answers_as_an_engine_in_this_process(engines, local_model, asked, scores):
    with resident_engine(local_model, 60) as engine:
        assert engine.score(asked) == scores
        assert engine.score(asked[:1]) == TransformersEngine(local_model).score(asked[:1])


def test_it_replies_as_an_engine_in_this_process(engines, local_model, asked):
    requests = [Request(question.messages, 3, 5, 1.0, 0.9, seed) for seed, question in enumerate(asked)]
    expected = TransformersEngine(local_model).reply(requests)
    assert [len(replies) for replies in expected] == [3] * len(requests)
    with resident_engine(local_model, 60) as engine:
        assert engine.reply(requests) == expected
        assert engine.reply(requests[1:2]) == expected[1:2]


def test_the_next_client_finds_the_same_engine(engines, local_model, asked, scores):
    found = []
    for _ in range(3):
        with resident_engine(local_model, 60) as engine:
            assert engine.score(asked) == scores
        found.append(servers(engines))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 1


def test_two_clients_at_a_time_have_two_engines(engines, local_model, asked, scores):
    with resident_engine(local_model, 60) as one, resident_engine(local_model, 60) as other:
        assert one.score(asked) == other.score(asked) == scores
        assert len(servers(engines)) == 2
        assert {file.name for file in engines.glob("*.log")} == {"0.log", "1.log"}
    with resident_engine(local_model, 60) as engine:
        assert engine.score(asked) == scores
    assert len(servers(engines)) == 2


def test_bad_input_reaches_the_client_and_the_engine_lives_on(engines, local_model, asked, scores):
    with resident_engine(local_model, 60) as engine:
        before = servers(engines)
        with pytest.raises(UserError, match="begin with the same tokens"):
            engine.score([Question(asked[0].messages, ("C", "CC"))])
        assert engine.score(asked) == scores
        assert servers(engines) == before


def test_an_engine_that_broke_says_why_and_ends(engines_folder, local_model, asked, capsys):
    model = replace(local_model, threads=5)
    folder = engines_folder / f"tom-transfer-{os.getuid()}" / engine_key(model)
    with resident_engine(model, 60) as engine:
        before = servers(folder)
        broke = r"^TypeError: 'NoneType' object is not iterable \(.*0\.log\)(?:\n|$)"
        with pytest.raises(EngineBroke, match=broke) as caught:
            engine.score([Question(None, ("C", "D"))])
        assert "\n" not in str(caught.value)
        (said,) = caught.value.__notes__
        assert said.count("Traceback (most recent call last)") == 1 and "in score" in said
        assert said.strip() in engine.log.read_text()
        with pytest.raises(EngineLost, match="went away"):
            engine.score(asked)
    with resident_engine(model, 60) as engine:
        assert len(engine.score(asked)) == len(asked)
        assert len(servers(folder) - before) == 1
    assert wait_until(lambda: not servers(folder) & before, 20)


def test_a_client_with_another_key_is_refused(engines, local_model, asked, scores):
    with resident_engine(local_model, 60):
        pass
    with pytest.raises(AuthenticationError):
        Client(str(engines / "0.socket"), "AF_UNIX", authkey=b"guessed")
    before = servers(engines)
    with resident_engine(local_model, 60) as engine:
        assert engine.score(asked) == scores
    assert servers(engines) == before


def test_nobody_else_can_reach_it(engines, local_model):
    with resident_engine(local_model, 60):
        assert mode(engines.parent) == mode(engines) == 0o700
        assert mode(engines / "0.key") == 0o600
        assert len((engines / "0.key").read_bytes()) == 32
        assert (engines / "0.socket").is_socket()


def test_one_engine_answers_for_a_base_and_its_tuned_students(engines, local_model, adapted_model, asked, scores):
    requests = [Request(question.messages, 3, 5, 1.0, 0.9, seed) for seed, question in enumerate(asked)]
    alone = {model: TransformersEngine(model) for model in (local_model, adapted_model)}
    expected = {model: (engine.score(asked), engine.reply(requests)) for model, engine in alone.items()}
    assert expected[adapted_model][0] != expected[local_model][0] == scores
    answered = []
    for model in (local_model, adapted_model) * 2:
        with resident_engine(model, 60) as engine:
            assert (engine.score(asked), engine.reply(requests)) == expected[model]
        answered.append(servers(engines))
    assert answered[0] and answered == [answered[0]] * 4


def test_an_adapter_that_is_refused_ends_its_engine(engines, local_model, adapted_model, asked, scores, tmp_path):
    shutil.copytree(adapted_model.adapter, tmp_path / "adapter")
    file = tmp_path / "adapter" / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    manifest = tmp_path / "adapter.json"
    told = json.loads(adapted_model.adapter_manifest.read_text()) | {"sha256": "another"}
    manifest.write_text(json.dumps(told))
    with resident_engine(local_model, 60) as engine:
        assert engine.score(asked) == scores
    before = servers(engines)
    damaged = replace(adapted_model, adapter=tmp_path / "adapter", adapter_manifest=manifest)
    with resident_engine(damaged, 60) as engine, pytest.raises(UserError, match="the manifest says") as caught:
        engine.score(asked)
    assert str(caught.value).startswith(str(file))
    assert wait_until(lambda: len(before - servers(engines)) == 1, 20)
    with resident_engine(local_model, 60) as engine:
        assert engine.score(asked) == scores


def test_an_engine_that_was_killed_is_replaced(engines, local_model, asked, scores):
    with resident_engine(local_model, 60) as engine:
        old = servers(engines)
        for pid in old:
            psutil.Process(pid).kill()
        with pytest.raises(EngineLost, match="went away"):
            engine.score(asked)
    with resident_engine(local_model, 60) as engine:
        assert engine.score(asked) == scores
        assert len(servers(engines)) == 1 and not servers(engines) & old


def test_it_ends_when_idle(engines_folder, adapted_model, asked, scores):
    model = replace(adapted_model, threads=6)
    folder = engines_folder / f"tom-transfer-{os.getuid()}" / engine_key(model)
    with resident_engine(model, 2) as engine:
        found = engine.score(asked)
        time.sleep(3)  # a client that thinks for longer than that keeps its engine
        assert engine.score(asked) == found
        before = servers(folder)
    with resident_engine(model, 2) as engine:  # the time counts from the last client's end
        assert engine.score(asked) == found
        assert servers(folder) == before
    assert wait_until(lambda: not servers(folder), 20)
    assert found == TransformersEngine(model).score(asked) != scores


def test_it_ends_when_every_run_that_used_it_is_gone(engines_folder, local_model, asked, run, other_run, monkeypatch):
    model = replace(local_model, threads=2)
    folder = engines_folder / f"tom-transfer-{os.getuid()}" / engine_key(model)
    for name, _ in (run, other_run):
        monkeypatch.setenv(parent_run.VARIABLE, name)
        with resident_engine(model, 600) as engine:
            engine.score(asked[:1])
    run[1]()
    time.sleep(2.5)  # the server looks around each second
    assert len(servers(folder)) == 1
    other_run[1]()
    assert wait_until(lambda: not servers(folder), 20)


def test_changed_weights_are_bad_input(engines_folder, local_model, tmp_path):
    shutil.copytree(local_model.weights, tmp_path / "weights")
    file = tmp_path / "weights" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    # Another number of threads: an engine that loaded the right weights earlier would rightly answer.
    model = replace(local_model, weights=tmp_path / "weights", threads=3)
    with pytest.raises(UserError, match="the manifest says") as caught, resident_engine(model, 60):
        pass
    assert str(caught.value).startswith(str(file))


def test_an_engine_that_can_not_start_is_lost_with_its_last_words(engines_folder, local_model, tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho Killed: out of memory\nexit 137\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(EngineLost, match="status 137") as caught, resident_engine(replace(local_model, threads=4), 60):
        pass
    assert "Killed: out of memory" in str(caught.value)


def test_an_engine_belongs_to_content_and_code(local_model, adapted_model, monkeypatch, tmp_path):
    shutil.copytree(local_model.weights, tmp_path / "moved")
    assert engine_key(replace(local_model, weights=tmp_path / "moved")) == engine_key(local_model)
    assert engine_key(adapted_model) == engine_key(local_model)
    with monkeypatch.context() as patch:
        patch.setattr(transformers_engine, "CHANGES_ADAPTERS", False)
        others = [engine_key(adapted_model), engine_key(replace(local_model, threads=2))]
    before = engine_key(local_model)
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    others.append(engine_key(local_model))
    monkeypatch.chdir(tmp_path)
    others.append(engine_key(local_model))
    monkeypatch.setattr(resident, "source_sha256", lambda: "edited")
    assert len({before, engine_key(local_model), *others}) == 6


def test_its_code_is_all_that_it_may_execute():
    plugins = [*map(module_of, engine_names()), *(f"tom.sampling.{name}" for name in (CHOICES, FREE_REPLIES, NUMBERS))]
    for file in code.files_of(resident.SERVER, *plugins, "tom.sampling.procedures"):
        package, *_ = file.relative_to(code.SCRIPTS).parts[1:] or [resident.SERVER]
        assert package in (*resident.PACKAGES, "__init__.py", resident.SERVER), file


@pytest.mark.parametrize("edited", ["tom/engines/vllm_engine.py", "tom/parsing/reply_text.py", "serve_engine.py"])
def test_every_edit_changes_the_hash_of_its_code(tmp_path, monkeypatch, edited):
    shutil.copytree(resident.SCRIPTS.parent, tmp_path / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(resident, "SCRIPTS", tmp_path / "workflow" / "scripts")
    before = resident.source_sha256()
    assert resident.source_sha256() == before
    file = resident.SCRIPTS / edited
    file.write_text(file.read_text() + "\n")
    assert resident.source_sha256() != before


def test_an_engine_of_older_code_never_answers(engines_folder, local_model, asked, scores, monkeypatch, tmp_path):
    """An edit while the client waits: the engine that it started ends, and does not answer."""
    shutil.copytree(resident.SCRIPTS.parent, tmp_path / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(resident, "SCRIPTS", tmp_path / "workflow" / "scripts")
    with resident_engine(local_model, 60) as engine:
        assert engine.score(asked) == scores
        with (resident.SCRIPTS / "tom" / "prompts" / "chat.py").open("a") as file:
            file.write("# edited\n")
        with pytest.raises(EngineLost, match="went away"):
            engine.score(asked)
    with resident_engine(local_model, 60) as engine:
        assert engine.score(asked) == scores


@pytest.mark.parametrize("made", ["open to others", "a link", "a file"])
def test_a_folder_that_is_not_private_is_not_used(tmp_path, monkeypatch, made):
    short = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    folder = short / f"tom-transfer-{os.getuid()}"
    if made == "open to others":
        folder.mkdir()
        folder.chmod(0o755)
    elif made == "a link":
        tmp_path.chmod(0o700)
        folder.symlink_to(tmp_path)
    else:
        folder.touch(mode=0o600)
    try:
        with pytest.raises(UserError) as caught:
            private_folder()
        assert str(folder) in str(caught.value)
    finally:
        shutil.rmtree(short)
