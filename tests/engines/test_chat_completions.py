"""The endpoint engine against a server on loopback that fails in the ways servers do."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event

import pytest
from endpoint_job import endpoint_at
from fake_endpoint import (
    FakeEndpoint,
    answers,
    breaks_off,
    completion,
    fails,
    hangs,
    says,
    stops_half_way,
    talks_nonsense,
    text_of,
)

from tom.core.errors import UserError
from tom.engines.chat_client import retry_after
from tom.engines.chat_completions import EndpointEngine
from tom.engines.interface import Question, Reply, Request
from tom.engines.response_log import open_response_log

MESSAGES = [{"role": "system", "content": "The rules."}, {"role": "user", "content": "Which, C or D?"}]
REQUEST = Request(MESSAGES, count=6, max_tokens=3, temperature=0.8, top_p=0.9, seed=1000)
QUESTION = Question(MESSAGES, ("C", "D"))
KEY = "sk-7f3b-very-secret"


@pytest.fixture
def engine_at(tmp_path):
    """Engines that share a response_log: call with an address and what differs."""
    with open_response_log(tmp_path / "partial.jsonl") as response_log:
        yield lambda base_url, **changes: EndpointEngine(endpoint_at(base_url, **changes), response_log)


def expected(request: Request = REQUEST) -> list[Reply]:
    """What an undisturbed endpoint gives."""
    bodies = [{"messages": request.messages, "seed": request.seed + number} for number in range(request.count)]
    return [Reply(text_of(body), "stop", 2) for body in bodies]


def test_each_observation_is_asked_for_with_a_seed_of_its_own(engine_at):
    with FakeEndpoint() as server:
        assert engine_at(server.base_url).reply([REQUEST]) == [expected()]
    settings = {"model": "teacher-70b", "messages": MESSAGES, "max_tokens": 3, "temperature": 0.8, "top_p": 0.9}
    assert server.bodies == [settings | {"seed": 1000 + number} for number in range(6)]


def test_replies_come_in_order_however_many_are_under_way(engine_at):
    other = Request(MESSAGES[1:], count=3, max_tokens=3, temperature=0.8, top_p=0.9, seed=7)
    with FakeEndpoint() as server:
        found = engine_at(server.base_url, concurrency=4).reply([REQUEST, other])
    assert found == [expected(), expected(other)]


def test_several_replies_of_one_request_have_no_length_of_their_own(engine_at):
    with FakeEndpoint() as server:
        [found] = engine_at(server.base_url, n_per_request=4).reply([REQUEST])
    assert found == [Reply(reply.text, "stop", None) for reply in expected()]
    assert [(body.get("n", 1), body["seed"]) for body in server.bodies] == [(4, 1000), (2, 1004)]


def test_an_endpoint_that_gives_fewer_replies_than_asked_for_is_bad_input(engine_at):
    one = says(completion({"messages": MESSAGES, "seed": 1}))
    with FakeEndpoint(otherwise=one) as server, pytest.raises(UserError, match="n_per_request to 1"):
        engine_at(server.base_url, n_per_request=3).reply([REQUEST])
    assert len(server.bodies) == 1


def test_newer_models_are_told_the_length_in_their_own_word(engine_at):
    with FakeEndpoint() as server:
        engine_at(server.base_url, parameters=("max_tokens=max_completion_tokens",)).reply([REQUEST])
    assert all(body["max_completion_tokens"] == 3 and "max_tokens" not in body for body in server.bodies)


@pytest.mark.parametrize(
    "failure",
    [
        fails(429),
        fails(429, Retry_After="0"),
        fails(500),
        fails(503),
        fails(408),
        breaks_off,
        stops_half_way,
        talks_nonsense,
        says({"error": {"message": "busy"}}),
        says({"choices": None}),
    ],
    ids=["429", "429 now", "500", "503", "408", "cut", "half", "no JSON", "error as 200", "no choices"],
)
def test_what_may_pass_is_asked_again(engine_at, failure):
    with FakeEndpoint(answers(), failure, failure) as server:
        assert engine_at(server.base_url).reply([REQUEST]) == [expected()]
    assert [body["seed"] - 1000 for body in server.bodies] == [0, 1, 1, 1, 2, 3, 4, 5]


def test_an_endpoint_that_hangs_is_asked_again_after_the_timeout(engine_at):
    over = Event()
    with FakeEndpoint(hangs(over)) as server:
        assert engine_at(server.base_url, timeout_seconds=0.3).reply([REQUEST]) == [expected()]
        over.set()
    assert len(server.bodies) == 7


def test_the_wait_that_an_endpoint_asks_for_replaces_the_backoff(engine_at):
    # With the backoff alone this would take a quarter of an hour.
    with FakeEndpoint(fails(429, Retry_After="0")) as server:
        assert engine_at(server.base_url, backoff_seconds=900, give_up_minutes=60).reply([REQUEST]) == [expected()]


def test_a_wait_beyond_the_time_to_give_up_ends_the_job_at_once(engine_at):
    with FakeEndpoint(answers(), fails(429, Retry_After="3600")) as server:
        with pytest.raises(UserError, match=r"no answer in 1 minutes .*HTTP 429: no.*partial.jsonl keeps"):
            engine_at(server.base_url).reply([REQUEST])
        assert engine_at(server.base_url).reply([REQUEST]) == [expected()]
    assert [body["seed"] - 1000 for body in server.bodies] == [0, 1, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7), ("0.5", 0.5), ("-3", 0), ("soon", None), ("", None), ("inf", None), ("nan", None)]
)
def test_a_wait_is_given_in_seconds(value, seconds):
    assert retry_after(value) == seconds


def test_a_wait_is_given_as_a_date():
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3500 < retry_after(in_an_hour) <= 3600
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (fails(401), "the key in TEST_KEY is refused"),
        (fails(403, "not in your region"), "not allowed with the key in TEST_KEY (HTTP 403: not in your region)"),
        (fails(404, "no such model"), "no such model"),
        (fails(400, "context too long"), "context too long"),
        (fails(429, "pay first", code="insufficient_quota"), "pay first"),
    ],
    ids=["401", "403", "404", "400", "no money"],
)
def test_what_will_not_pass_is_one_error_at_once(engine_at, monkeypatch, failure, words):
    monkeypatch.setenv("TEST_KEY", KEY)
    with FakeEndpoint(failure) as server, pytest.raises(UserError) as caught:  # a second try would be answered
        engine_at(server.base_url, key_variable="TEST_KEY").reply([REQUEST])
    assert words in str(caught.value) and server.base_url in str(caught.value)
    assert len(str(caught.value).splitlines()) == len(server.bodies) == 1


def test_after_an_error_what_is_under_way_is_still_kept(engine_at):
    def late(handler, body):
        refused.wait(20)
        answers()(handler, body)

    def refuses(handler, body):
        refused.set()
        fails(401)(handler, body)

    refused = Event()
    with FakeEndpoint(late, refuses) as server:
        with pytest.raises(UserError, match="without a key is refused"):
            engine_at(server.base_url, concurrency=2).reply([REQUEST])
        assert engine_at(server.base_url).reply([REQUEST]) == [expected()]
    assert len(server.bodies) == 1 + 6  # the refused one alone was asked for twice


def test_a_dead_endpoint_is_given_up(engine_at):
    with FakeEndpoint() as server:
        pass
    with pytest.raises(UserError, match=r"no answer in 0\.002 minutes .*Errno 111.*Connect call failed"):
        engine_at(server.base_url, give_up_minutes=0.002).reply([REQUEST])


@pytest.mark.parametrize(
    "change", [{"seed": 5}, {"temperature": 0.7}, {"top_p": 0.8}, {"max_tokens": 4}, {"messages": MESSAGES[1:]}]
)
def test_another_question_is_not_answered_from_the_log(engine_at, change):
    with FakeEndpoint() as server:
        engine_at(server.base_url).reply([REQUEST])
        other = replace(REQUEST, **change)
        assert engine_at(server.base_url).reply([other]) == [expected(other)]
    assert len(server.bodies) == 12


def test_another_model_or_address_is_not_answered_from_the_log(engine_at):
    with FakeEndpoint() as one, FakeEndpoint() as other:
        engine_at(one.base_url).reply([REQUEST])
        engine_at(one.base_url, model="teacher-7b").reply([REQUEST])
        engine_at(other.base_url).reply([REQUEST])
    assert (len(one.bodies), len(other.bodies)) == (12, 6)


def test_more_observations_ask_for_the_further_ones_alone(engine_at):
    more = replace(REQUEST, count=9)
    with FakeEndpoint() as server:
        engine_at(server.base_url).reply([REQUEST])
        assert engine_at(server.base_url, concurrency=3).reply([more]) == [expected(more)]
    assert sorted(body["seed"] - 1000 for body in server.bodies) == list(range(9))


@pytest.mark.parametrize(
    ("message", "finish", "reply"),
    [
        ({"content": "C because"}, "length", ("C because", "length")),
        ({"content": None, "refusal": "I can't."}, "stop", ("I can't.", "stop")),
        ({"content": None}, "content_filter", ("", "content_filter")),
    ],
)
def test_a_reply_is_kept_as_it_came(engine_at, message, finish, reply):
    body = completion({"messages": MESSAGES, "seed": 1})
    body["choices"][0] |= {"message": message, "finish_reason": finish}
    with FakeEndpoint(otherwise=says(body)) as server:
        [[found, *_]] = engine_at(server.base_url).reply([REQUEST])
    assert (found.text, found.finish) == reply


def test_scores_are_the_log_probabilities_of_the_first_token(engine_at):
    top = {"C": math.log(0.6), " C": math.log(0.2), "D": math.log(0.1)}
    with FakeEndpoint(otherwise=answers(top=top)) as server:
        [score] = engine_at(server.base_url).score([QUESTION])
        assert engine_at(server.base_url).score([QUESTION]) == [score]
    assert score.log_probabilities == (math.log(0.6), math.log(0.1))
    assert score.option_mass == pytest.approx(0.7)
    [body] = server.bodies
    assert (body["logprobs"], body["top_logprobs"], body["max_tokens"], body["temperature"]) == (True, 20, 1, 1.0)


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (answers(top=None), "gives no log-probabilities"),
        (answers(top={"C": -0.1}), "'D' is not among the 1 most likely first tokens"),
        (fails(400, "logprobs are not supported"), "logprobs are not supported"),
    ],
)
def test_without_log_probabilities_there_are_no_scores(engine_at, capfd, behaviour, why):
    with FakeEndpoint(otherwise=behaviour) as server:
        assert engine_at(server.base_url).score([QUESTION]) is None
    assert why in capfd.readouterr().err


def test_tokens_are_counted_and_priced(engine_at):
    uncounted = completion({"messages": MESSAGES, "seed": 1})
    del uncounted["usage"]
    with FakeEndpoint(says(uncounted)) as server:
        engine = engine_at(server.base_url)
        [[first, *_]] = engine.reply([REQUEST])
    assert first.tokens is None
    usage = engine.usage
    assert (usage.requests, usage.uncounted, usage.prompt_tokens, usage.completion_tokens) == (6, 1, 500, 10)
    assert usage.cost(3.0, 15.0) == pytest.approx(500 * 3e-6 + 10 * 15e-6)
    assert usage.cost(None, None) is None


def test_a_server_without_keys_never_sees_one(engine_at, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with FakeEndpoint() as server:
        engine_at(server.base_url).reply([REQUEST])
    assert "authorization" not in server.headers[0]
    assert KEY not in str(server.headers)


def test_the_key_goes_into_the_header_and_nowhere_else(engine_at, monkeypatch, tmp_path, capfd):
    monkeypatch.setenv("TEST_KEY", KEY)
    tells = f"Incorrect API key provided: {KEY}."
    with FakeEndpoint(fails(500, tells), answers(), fails(401, tells)) as server, pytest.raises(UserError) as caught:
        engine_at(server.base_url, key_variable="TEST_KEY").reply([REQUEST])
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    said = "".join(capfd.readouterr()) + str(caught.value) + repr(caught.value) + repr(caught.value.__context__)
    assert "Incorrect API key provided: ***." in said
    assert KEY not in str(caught.value) and KEY not in (tmp_path / "partial.jsonl").read_text()


@pytest.mark.parametrize("key", ["", "two words", "line\n", "clé"])
def test_a_key_that_can_not_be_one_is_refused_unseen(engine_at, monkeypatch, key):
    monkeypatch.setenv("TEST_KEY", key)
    with pytest.raises(UserError, match="TEST_KEY") as caught:
        engine_at("http://127.0.0.1:9/v1", key_variable="TEST_KEY")
    assert not key or key not in str(caught.value)
