"""No teacher is asked before a student that is still to be fetched was fetched, and can do what the config asks."""

import json
import shutil

import pytest
from fake_endpoint import FakeEndpoint
from test_endpoint_teacher import ASKED_EACH, CELLS, KEY, point_at

REVISION = "0" * 40
USAGE = "results/main/tables/usage.csv"


def without_a_template(folder):
    (folder / "chat_template.jinja").unlink()


def with_gptq(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": {"quant_method": "gptq"}}))


def with_few_positions(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 40}))


BROKEN = {
    "no template": (without_a_template, "the tokenizer has no chat template"),
    "quantised already": (with_gptq, "quantised (gptq)"),
    "too few positions": (with_few_positions, "the model has 40 positions"),
}


@pytest.fixture
def hub(fresh, monkeypatch):
    """A function: a repository's name and a change of its files → a project whose student is that repository."""
    monkeypatch.setenv("TEST_KEY", KEY)

    def point(base_url: str, name: str = "student", change=lambda folder: None):
        snapshot = fresh.folder / "cache" / "hub" / f"models--tests--{name}" / "snapshots" / REVISION
        shutil.copytree(fresh.folder / "tiny-model", snapshot)
        change(snapshot)
        point_at(fresh, base_url)
        source = f"  source: hub\n  hub: {{repository: tests/{name}, revision: '{REVISION}'}}\n"
        fresh.edit("tiny.yaml", "  source: folder\n  folder: tiny-model\n", source)
        config = fresh.folder / "tiny.yaml"
        config.write_text(config.read_text() + "cache: cache\n")
        return fresh

    return point


@pytest.mark.parametrize("broken", BROKEN)
def test_no_request_is_sent_for_a_fetched_student_that_is_refused(hub, broken):
    change, said = BROKEN[broken]
    with FakeEndpoint() as server:
        project = hub(server.base_url, change=change)
        done = project.run("--keep-going")
        log = " ".join((done.stdout + done.stderr).split())
        assert done.returncode != 0 and "error: student: " in log and said in log
        assert server.bodies == []
        assert not list(project.folder.glob("results/shards/*"))
        # The teacher's answers alone need no student.
        project.succeed(USAGE)
        assert len(server.bodies) == CELLS * ASKED_EACH


@pytest.mark.slow
def test_what_was_paid_for_is_not_asked_again_whatever_becomes_of_the_student(hub):
    with FakeEndpoint() as server:
        project = hub(server.base_url)
        project.succeed(USAGE, "prepare")
        assert len(server.bodies) == CELLS * ASKED_EACH
        assert not project.plan(USAGE, "prepare")
        shutil.rmtree(project.folder / "results/models")
        assert project.plan(USAGE, "prepare") == {"fetch_model": 1, "convert_model": 1}
        other = project.folder / "cache" / "hub" / "models--tests--other" / "snapshots" / REVISION
        shutil.copytree(project.folder / "tiny-model", other)
        project.edit("tiny.yaml", "repository: tests/student", "repository: tests/other")
        project.succeed(USAGE, "prepare")
        assert len(server.bodies) == CELLS * ASKED_EACH
        # Nor is a cell more held up by a student that is there.
        project.edit("tiny.yaml", "contexts: [business]", "contexts: [business, friendship]")
        assert project.plan(USAGE, "prepare") == {"sample_endpoint": 1, "total_usage": 1}
        project.succeed(USAGE, "prepare")
        assert len(server.bodies) == (CELLS + 1) * ASKED_EACH


@pytest.mark.slow
def test_the_shards_of_a_local_teacher_wait_as_well_even_in_a_group(hub):
    project = hub("http://127.0.0.1:9/v1", change=without_a_template)
    config = project.folder / "tiny.yaml"
    text = config.read_text()
    model = "engine: transformers\n  source: folder\n  folder: tiny-model\n  precision: source\n"
    model += "  compute_dtype: float32\n  gpus: 0\n  billions: 0.135\n"
    start, end = text.index("  engine: openai"), text.index("cache: cache")
    config.write_text(f"{text[:start]}  {model}{text[end:]}")
    shards = [project.shard("teacher", "stag_hunt", context) for context in ("business", "friendship")]
    grouped = ("--groups", "sample_shard=one", "--group-components", "one=2")
    assert project.run(*shards, "prepare", "--keep-going", *grouped).returncode != 0
    assert not list(project.folder.glob("results/shards/*"))
    snapshot = next((project.folder / "cache").glob("hub/*/snapshots/*"))
    shutil.copy(project.folder / "tiny-model" / "chat_template.jinja", snapshot)
    project.succeed(*shards, "prepare", *grouped)
    manifest = project.folder / "results/models" / project.store().source_key("student") / "fetched/manifest.json"
    assert all((project.folder / shard).stat().st_mtime > manifest.stat().st_mtime for shard in shards)
