"""A teacher at an endpoint, through Snakemake: what is asked, resumed and rerun, and that the key stays secret."""

import pytest
from fake_endpoint import FakeEndpoint, answers, fails

KEY = "sk-7f3b-very-secret"
CELLS = 4
OBSERVATIONS = 40
SCORED = 4
TEACHER = """
teacher:
  name: big
  engine: openai
  endpoint:
    base_url: {base_url}
    model: big-chat
    key_variable: TEST_KEY
    concurrency: 4
    n_per_request: 10
    timeout_seconds: 60
    give_up_minutes: 1
    parameters: {{max_tokens: limit, top_p: null}}
    prices: {{prompt: 3.0, completion: 15.0}}
"""
ASKED_EACH = SCORED + OBSERVATIONS // 10
ANSWERED = 12  # before the endpoint refuses the key: one cell and a half


def point_at(project, base_url: str):
    """The project with its teacher at this address, and few cells."""
    for follows in ("    contexts: [business", "    contexts: [sports"):
        games = "games: [prisoners_dilemma, stag_hunt]"
        project.edit("tiny.yaml", f"{games}\n{follows}", f"games: [stag_hunt]\n{follows}")
    project.edit(
        "tiny.yaml", "contexts: [business, friendship]\nstudent", "contexts: [business]\n  public_goods: null\nstudent"
    )
    config = project.folder / "tiny.yaml"
    config.write_text(config.read_text() + TEACHER.format(base_url=base_url))
    return project


@pytest.mark.slow
def test_shards_are_asked_for_resumed_and_kept(fresh, monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)
    table = "results/main/tables/usage.csv"
    shards = "results/shards/teacher-*/*/*/*.parquet"
    said = []
    top = {"C": -0.5, "D": -1.0}
    refuses = fails(401, f"Incorrect API key provided: {KEY}")
    with FakeEndpoint(*[answers(top=top)] * ANSWERED, otherwise=refuses) as server:
        project = point_at(fresh, server.base_url)
        done = project.run(table)
        said += [done.stdout, done.stderr]
        assert done.returncode != 0
        assert "the key in TEST_KEY is refused" in " ".join(done.stderr.split())
        finished = {file: file.read_bytes() for file in project.folder.glob(shards)}
        assert 0 < len(finished) < CELLS
        assert list(project.folder.glob("results/partial/teacher-*/*/*.jsonl"))

        left = CELLS - len(finished)
        plan = " ".join(project.succeed("plan").split())
        tokens = 2 * SCORED + 2 * OBSERVATIONS
        assert f"endpoint: {left * ASKED_EACH} requests in {left} job(s)" in plan
        assert f"about {left * 100 * ASKED_EACH:,} prompt tokens" in plan
        assert f"about {left * tokens} tokens of replies" in plan and f"as in {len(finished)} finished cells" in plan

        server.bodies.clear()
        server.otherwise = answers(top=top)
        said.append(project.succeed(table))
        assert len(server.bodies) == CELLS * ASKED_EACH - ANSWERED
        assert all("limit" in body and not body.keys() & {"max_tokens", "top_p"} for body in server.bodies)
    assert len(list(project.folder.glob(shards))) == CELLS
    assert all(file.read_bytes() == content for file, content in finished.items())
    assert not list(project.folder.glob("results/partial/teacher-*/*/*.jsonl"))
    requests = CELLS * ASKED_EACH
    tokens = CELLS * (2 * SCORED + 2 * OBSERVATIONS)
    total = (project.folder / table).read_text().splitlines()[-1]
    assert total.startswith(f"all,all,{requests},0,{100 * requests},{tokens},")

    assert not project.plan(table)
    project.edit("tiny.yaml", "concurrency: 4", "concurrency: 8")
    assert not project.plan(table)
    project.edit("tiny.yaml", "model: big-chat", "model: bigger-chat")
    assert project.plan(table) == {"sample_endpoint": CELLS, "total_usage": 1}
    project.edit("tiny.yaml", "model: bigger-chat", "model: big-chat")
    project.edit("tiny.yaml", "{max_tokens: limit, top_p: null}", "{max_tokens: limit}")
    assert project.plan(table) == {"sample_endpoint": CELLS, "total_usage": 1}

    files = [file for file in project.folder.rglob("*") if file.is_file()]
    assert any(".snakemake" in file.parts for file in files)
    assert [file for file in files if KEY.encode() in file.read_bytes()] == []
    assert KEY not in "".join(said)


def test_a_missing_key_stops_before_any_job(fresh, monkeypatch):
    monkeypatch.delenv("TEST_KEY", raising=False)
    done = point_at(fresh, "http://127.0.0.1:9/v1").run()
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "teacher.endpoint.key_variable: the environment variable TEST_KEY is not set" in said
    assert 'export TEST_KEY=..., or key_variable: "" for a server without keys' in said
    assert "Traceback" not in said and not (fresh.folder / "results").exists()


def test_a_plan_and_a_dry_run_need_no_key(fresh, monkeypatch):
    monkeypatch.delenv("TEST_KEY", raising=False)
    project = point_at(fresh, "http://127.0.0.1:9/v1")
    assert project.plan()["sample_endpoint"] == CELLS
    remedy = 'export TEST_KEY=..., or key_variable: "" for a server without keys'
    said = project.succeed("plan")
    assert f"key: a run here would be refused; {remedy}." in " ".join(said.split())
    assert f"Next: {remedy}\n" in said
    monkeypatch.setenv("TEST_KEY", KEY)
    said = project.succeed("plan")
    assert "key:" not in said and "Next: snakemake all " in said


def test_the_whole_run_follows_from_the_endpoint(fresh, monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)
    planned = point_at(fresh, "http://127.0.0.1:9/v1").plan()
    assert planned["sample_endpoint"] == CELLS
    assert planned["total_usage"] == 1 and planned["train_adapter"] == 1
    assert "replay_shard" not in planned
