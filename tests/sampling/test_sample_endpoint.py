"""Sampling jobs against an endpoint, as processes: killed, cut off and run again, they lose and leak nothing."""

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from threading import Event

import polars as pl
import pytest
from endpoint_job import SCRIPTS, Job, NumberJob, endpoint_at
from engine_processes import wait_until
from fake_endpoint import FakeEndpoint, answers, completion, fails, hangs

from tom.engines.endpoint import Endpoint
from tom.sampling.shards import COLUMNS, NUMBER_COLUMNS, read_shard

KEY = "sk-7f3b-very-secret"
OBSERVATIONS = 20
SCORED = 4  # variants


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)


def endpoint(base_url: str, **changes) -> Endpoint:
    """An endpoint with a key and prices."""
    return endpoint_at(
        base_url, **({"key_variable": "TEST_KEY", "prompt_price": 3.0, "completion_price": 15.0} | changes)
    )


def start(job: Job, base_url: str, **changes) -> subprocess.Popen:
    return job.start(endpoint(base_url, **changes), OBSERVATIONS)


def run(job: Job, base_url: str, **changes) -> tuple[int, str]:
    """Exit status and what it said."""
    return job.run(endpoint(base_url, **changes), OBSERVATIONS)


@pytest.fixture
def job(tmp_path, resources) -> Job:
    return Job(tmp_path, resources)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, resources) -> Job:
    """A job that nothing disturbed; its endpoint needs no key."""
    done = Job(tmp_path_factory.mktemp("undisturbed"), resources)
    with FakeEndpoint() as server:
        status, said = run(done, server.base_url, key_variable="")
    assert status == 0, said
    assert len(server.bodies) == SCORED + OBSERVATIONS
    return done


def test_a_shard_has_scores_and_replies_and_no_partial_file(undisturbed):
    shard = read_shard(undisturbed.shard)
    assert shard["record"].value_counts().sort("record").rows() == [("score", SCORED), ("observation", OBSERVATIONS)]
    assert shard["engine"].unique().to_list() == ["openai"]
    observations = shard.filter(shard["record"] == "observation")
    assert set(observations["raw"]) == {"C", "D"}
    assert observations["observation"].to_list() == list(range(OBSERVATIONS))
    assert not undisturbed.partial.exists()


def test_the_usage_file_counts_tokens_and_their_price(undisturbed):
    requests = SCORED + OBSERVATIONS
    usage = json.loads(undisturbed.usage.read_text())
    assert usage.pop("base_url").startswith("http://127.0.0.1")
    cost = requests * (100 * 3.0 + 2 * 15.0) / 1e6
    assert usage.pop("cost") == pytest.approx(cost)
    tokens = {"prompt_tokens": 100 * requests, "completion_tokens": 2 * requests}
    assert usage == {"model": "teacher-70b", "requests": requests, "uncounted": 0} | tokens


def test_the_next_try_of_a_killed_job_asks_for_the_rest_alone(job, undisturbed):
    over = Event()
    with FakeEndpoint(*[answers(top={"C": -0.5, "D": -1.0})] * 11, hangs(over)) as server:
        process = start(job, server.base_url)
        assert wait_until(lambda: len(server.bodies) == 12 and job.kept() == 11)
        process.kill()
        process.communicate()
        over.set()
        assert not job.shard.exists()
        with job.partial.open("a") as stream:
            stream.write('{"key": "0123", "ans')  # as a machine that lost its power leaves it
        before = len(server.bodies)
        status, said = run(job, server.base_url)
    assert status == 0, said
    assert len(server.bodies) - before == SCORED + OBSERVATIONS - 11
    assert job.shard.read_bytes() == undisturbed.shard.read_bytes()
    assert json.loads(job.usage.read_text()) == json.loads(undisturbed.usage.read_text()) | {
        "base_url": server.base_url
    }
    assert not job.partial.exists()


def test_an_endpoint_that_comes_back_is_asked_on(job, undisturbed):
    reached = Event()

    def goes_away(handler, body):
        reached.set()
        handler.close_connection = True

    with FakeEndpoint(*[answers(top={"C": -0.5, "D": -1.0})] * 9, otherwise=goes_away) as first:
        process = start(job, first.base_url)
        assert reached.wait(60)
    with FakeEndpoint(port=first.port) as second:
        said = process.communicate(timeout=120)[1]
    assert process.returncode == 0, said
    assert len(second.bodies) == SCORED + OBSERVATIONS - 9
    assert job.shard.read_bytes() == undisturbed.shard.read_bytes()


def test_an_endpoint_that_stays_away_loses_nothing(job, undisturbed):
    gone = fails(503)
    with FakeEndpoint(*[answers(top={"C": -0.5, "D": -1.0})] * 9, otherwise=gone) as first:
        status, said = run(job, first.base_url, give_up_minutes=0.005)
    assert status == 2 and "no answer in 0.005 minutes" in said and "Traceback" not in said
    assert job.kept() == 9 and not job.shard.exists()
    with FakeEndpoint(port=first.port) as second:
        status, said = run(job, second.base_url)
    assert status == 0, said
    assert len(second.bodies) == SCORED + OBSERVATIONS - 9
    assert job.shard.read_bytes() == undisturbed.shard.read_bytes()


def test_a_hundred_at_a_time_give_the_same_shard(job, undisturbed):
    busy = [fails(429, Retry_After="0"), fails(500), answers(top={"C": -0.5, "D": -1.0})] * 10
    # Were they in turn, requests in step with them would fail for long.
    Random(1).shuffle(busy)
    with FakeEndpoint(*busy) as server:
        status, said = run(job, server.base_url, concurrency=100)
    assert status == 0, said
    assert job.shard.read_bytes() == undisturbed.shard.read_bytes()


def test_without_log_probabilities_a_shard_has_observations_alone(job):
    with FakeEndpoint(otherwise=answers(top=None)) as server:
        status, said = run(job, server.base_url)
    assert status == 0, said
    assert "no exact scores, observations only" in said
    assert set(read_shard(job.shard)["record"]) == {"observation"}


def test_a_shard_says_what_was_sent(job, undisturbed):
    """Columns of what was left out are null; its metadata has the names of what was not."""
    with FakeEndpoint() as server:
        status, said = run(job, server.base_url, parameters=("top_p=", "seed=", "max_tokens=max_completion_tokens"))
    assert status == 0, said
    scores, replies = (read_shard(job.shard).filter(record=record) for record in ("score", "observation"))
    assert replies["top_p"].null_count() == replies["seed"].null_count() == len(replies) == OBSERVATIONS
    assert replies["temperature"].unique().to_list() == [0.8]
    assert scores.drop("engine").equals(read_shard(undisturbed.shard).filter(record="score").drop("engine"))
    model = {"model": "teacher-70b"}
    scored = {"temperature": 1.0, "logprobs": True, "top_logprobs": 20, "max_completion_tokens": 1}
    assert sent(job) == {
        "score": model | scored,
        "reply": model | {"temperature": 0.8, "max_completion_tokens": sent(undisturbed)["reply"]["max_tokens"]},
    }
    assert sent(undisturbed)["reply"].keys() == {"model", "temperature", "top_p", "seed", "max_tokens"}


def sent(job: Job) -> dict:
    """What a shard's metadata says of its requests."""
    return json.loads(pl.read_parquet_metadata(job.shard)["sent"])


@pytest.mark.parametrize(("finish", "outcome"), [("content_filter", "refused"), ("tool_calls", "off_format")])
@pytest.mark.parametrize(("make", "columns", "text"), [(Job, COLUMNS, "C"), (NumberJob, NUMBER_COLUMNS, "7")])
def test_a_withheld_reply_has_an_outcome_and_is_not_read(tmp_path, resources, make, columns, text, finish, outcome):
    def withholds(handler, body):
        document = completion(body)
        document["choices"][0] |= {"message": {"content": text}, "finish_reason": finish}
        handler.send(200, document)

    job = make(tmp_path, resources)
    with FakeEndpoint(otherwise=withholds) as server:
        status, said = run(job, server.base_url)
    assert status == 0, said
    rows = read_shard(job.shard, columns)
    assert rows.select("raw", "outcome", "rule", "finish").unique().rows() == [(text, outcome, finish, None)]
    assert rows["action" if make is Job else "number"].null_count() == OBSERVATIONS


def test_what_the_job_waits_for_is_in_its_log(job):
    with FakeEndpoint(fails(503, "no healthy upstream"), otherwise=answers(top={"C": -0.5, "D": -1.0})) as server:
        status, said = run(job, server.base_url)
    assert status == 0 and "HTTP 503: no healthy upstream; asked again for up to 1 minutes" in said


def test_a_proxy_that_can_not_be_used_is_one_clear_line(job, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    status, said = run(job, "http://127.0.0.1:9/v1")
    assert status == 2
    [line] = said.splitlines()
    assert line.startswith("error: ALL_PROXY: ") and "socksio" in line


def test_a_refused_key_is_one_clear_line(job):
    with FakeEndpoint(otherwise=fails(401, f"Incorrect API key provided: {KEY}")) as server:
        status, said = run(job, server.base_url)
    assert status == 2
    [line] = said.splitlines()
    assert line.startswith("error: ") and "the key in TEST_KEY is refused" in line


def test_the_key_is_in_no_file_no_output_and_no_command_line(job):
    tells = [fails(status, f"Incorrect API key provided: {KEY}", X_Key=KEY) for status in (500, 429, 401)]
    with FakeEndpoint(*tells) as server:
        assert KEY not in " ".join(job.command(endpoint(server.base_url), OBSERVATIONS))
        said = run(job, server.base_url)[1]
        over = Event()
        server.script.extend([answers(), hangs(over)])
        process = start(job, server.base_url)
        assert wait_until(lambda: job.kept() == 1)
        words = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.kill()
        said += process.communicate()[1]
        over.set()
        contents = [file.read_bytes() for file in job.folder.rglob("*") if file.is_file()]
        status, more = run(job, server.base_url)
    assert status == 0, more
    assert all(headers["authorization"] == f"Bearer {KEY}" for headers in server.headers)
    contents += [file.read_bytes() for file in job.folder.rglob("*") if file.is_file()]
    assert len(contents) >= 3 and "***" in said
    assert KEY.encode() not in b"".join([*contents, words, said.encode(), more.encode()])


def test_two_jobs_of_one_cell_do_not_write_together(job, undisturbed):
    over = Event()
    with FakeEndpoint(answers(top={"C": -0.5, "D": -1.0}), hangs(over)) as server:
        first = start(job, server.base_url)
        assert wait_until(lambda: job.kept() == 1)
        status, said = run(job, server.base_url)
        assert status == 2 and "another job is writing it" in said
        over.set()
        assert first.communicate(timeout=120)[1] is not None
    assert first.returncode == 0
    assert job.shard.read_bytes() == undisturbed.shard.read_bytes()


def test_usage_is_added_up(undisturbed, tmp_path):
    files = []
    for name in ("sports", "investors"):
        file = tmp_path / "stag_hunt" / f"{name}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(undisturbed.usage.read_bytes())
        files.append(str(file))
    table = tmp_path / "usage.csv"
    command = [sys.executable, str(SCRIPTS / "total_usage.py"), "--usage", *files, "--output", str(table)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    header, *lines = [line.split(",") for line in table.read_text().splitlines()]
    assert header == ["game", "context", "requests", "uncounted", "prompt_tokens", "completion_tokens", "cost"]
    assert [line[:3] for line in lines] == [
        ["stag_hunt", "sports", "24"],
        ["stag_hunt", "investors", "24"],
        ["all", "all", "48"],
    ]
    assert float(lines[2][-1]) == pytest.approx(2 * float(lines[0][-1]))
    assert "48 requests, 4800 prompt + 96 completion tokens, cost 0.0158" in done.stderr


def gives(amount: str):
    """Answer every request with an amount."""

    def behave(handler, body):
        document = completion(body)
        for choice in document["choices"]:
            choice["message"]["content"] = amount
        handler.send(200, document)

    return behave


def test_contributions_are_free_replies_and_resume_too(tmp_path, resources):
    job = NumberJob(tmp_path, resources)
    with FakeEndpoint(*[gives("$7")] * 5, otherwise=fails(401)) as server:
        assert run(job, server.base_url)[0] != 0
        assert job.kept() == 5 and not job.shard.exists()
        server.otherwise = gives("I'd rather not say.")
        status, said = run(job, server.base_url)
    assert status == 0, said
    assert not any(body.get("logprobs") for body in server.bodies)
    rows = read_shard(job.shard, NUMBER_COLUMNS)
    assert rows["number"].to_list() == [7] * 5 + [None] * (OBSERVATIONS - 5)
    assert json.loads(job.usage.read_text())["requests"] == OBSERVATIONS
