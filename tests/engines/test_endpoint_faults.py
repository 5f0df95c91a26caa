"""Whatever a server sends is read, asked again, or ends the job in one line; alone, and one fault after another."""

import json
import time
from collections import defaultdict, deque
from itertools import product

import pytest
from endpoint_faults import AGAIN, BLANK_LINES, ENDS, GOOD, READ, SLOW, SLOW_BYTES, SLOW_HEADERS, Fault, scored
from endpoint_job import endpoint_at
from fake_endpoint import FakeEndpoint, answers, completion, fails, says, text_of

from tom.core.errors import UserError
from tom.engines.chat_completions import EndpointEngine
from tom.engines.interface import Question, Reply, Request
from tom.engines.response_log import open_response_log

MESSAGES = [{"role": "user", "content": "Which, C or D?"}]
QUESTION = Question(MESSAGES, ("C", "D"))
KEY = "sk-7f3b-very-secret"
TOP = answers(top={"C": -0.5, "D": -1.0})


def asked(name: str = "Which, C or D?", count: int = 1) -> Request:
    """A request of its own name."""
    return Request([{"role": "user", "content": name}], count, max_tokens=3, temperature=0.8, top_p=0.9, seed=1000)


def good(request: Request) -> Reply:
    """What an undisturbed endpoint replies first."""
    return Reply(text_of({"messages": request.messages, "seed": request.seed}), "stop", 2)


@pytest.fixture
def engine_at(tmp_path):
    """Engines that share a response log: call with an address and what differs."""
    with open_response_log(tmp_path / "partial.jsonl") as response_log:
        yield lambda base_url, **changes: EndpointEngine(endpoint_at(base_url, **changes), response_log)


def named(faults: list[Fault]):
    """A test of each of these."""
    return pytest.mark.parametrize("fault", faults, ids=[fault.name for fault in faults])


def patience(fault: Fault) -> float:
    """Seconds that a try may take: on a busy machine any answer can come late."""
    return 0.3 if fault in SLOW else 60


def kinds(faults: list[Fault]) -> list[Fault]:
    """One of each kind."""
    return [fault for fault in faults if fault.kind]


@named(AGAIN + SLOW)
def test_what_may_pass_is_asked_again_and_the_log_says_why(engine_at, capfd, fault):
    with FakeEndpoint(fault.behave, fault.behave) as server:
        assert engine_at(server.base_url, timeout_seconds=patience(fault)).reply([asked()]) == [[good(asked())]]
    assert len(server.bodies) >= 3
    first, *_ = capfd.readouterr().err.splitlines()
    assert fault.words in first and "asked again for up to 1 minutes" in first
    assert first.isprintable() and len(first) < 500


@named(READ + GOOD)
def test_what_is_a_reply_is_read_and_paid_once(engine_at, fault):
    with FakeEndpoint(fault.behave) as server:
        for _ in range(2):
            assert engine_at(server.base_url).reply([asked()]) == [[fault.reply or good(asked())]]
    assert len(server.bodies) == 1


@named(ENDS)
def test_what_can_not_pass_ends_the_job_in_one_line(engine_at, capfd, fault):
    with FakeEndpoint(fault.behave) as server, pytest.raises(UserError) as caught:
        engine_at(server.base_url).reply([asked()])
    assert fault.ends in str(caught.value) and server.base_url in str(caught.value)
    assert str(caught.value).isprintable() and len(server.bodies) == 1
    assert "asked again" not in capfd.readouterr().err


@named(kinds(AGAIN + SLOW))
def test_what_does_not_pass_is_given_up_in_the_servers_words(engine_at, tmp_path, fault):
    started = time.monotonic()
    with FakeEndpoint(otherwise=fault.behave) as server, pytest.raises(UserError) as caught:
        engine_at(server.base_url, timeout_seconds=patience(fault), give_up_minutes=0.005).reply([asked()])
    assert time.monotonic() - started < 20
    assert fault.words in str(caught.value) and "no answer in 0.005 minutes" in str(caught.value)
    assert (tmp_path / "partial.jsonl").read_bytes() == b""


class Conversations:
    """An endpoint's behaviour: each prompt has a script of its own, and then good answers."""

    def __init__(self):
        self.scripts: dict[str, deque] = defaultdict(deque)

    def __call__(self, handler, body: dict) -> None:
        script = self.scripts[body["messages"][-1]["content"]]
        (script.popleft() if script else TOP)(handler, body)


def check_pairs(engine_at, pairs: list[tuple[Fault, Fault]]) -> None:
    """One fault, then another, then good: the reply is that of the first which is none to be asked again."""
    talk, requests, expected = Conversations(), [], []
    for number, pair in enumerate(pairs):
        requests.append(asked(f"{number}"))
        talk.scripts[f"{number}"].extend(fault.behave for fault in pair)
        settled = next((fault for fault in pair if fault in READ + GOOD), None)
        expected.append([settled.reply if settled and settled.reply else good(requests[-1])])
    with FakeEndpoint(otherwise=talk) as server:
        found = engine_at(server.base_url, concurrency=64, timeout_seconds=10).reply(requests)
    wrong = {tuple(one.name for one in pair): got for pair, got, want in zip(pairs, found, expected) if got != want}
    assert not wrong


def check_slow_pairs(engine_at, pairs: list[tuple[Fault, Fault]]) -> None:
    """As check_pairs, where one of a pair takes longer than a try may."""
    talk, requests = Conversations(), []
    for number, pair in enumerate(pairs):
        requests.append(asked(f"{number}"))
        talk.scripts[f"{number}"].extend(fault.behave for fault in pair)
    with FakeEndpoint(otherwise=talk) as server:
        found = engine_at(server.base_url, concurrency=64, timeout_seconds=1).reply(requests)
    # On a busy machine a reply may come too late as well; then the next one counts.
    assert all(
        got[0] in [good(request), *(fault.reply for fault in pair)]
        for got, request, pair in zip(found, requests, pairs)
    )


def check_pairs_with_an_end(engine_at, pairs: list[tuple[Fault, Fault]]) -> None:
    """One fault, then another, then good: whatever ends the job, the same command goes on."""
    talk = Conversations()
    with FakeEndpoint(otherwise=talk) as server:
        for number, pair in enumerate(pairs):
            request, script = asked(f"{number}"), talk.scripts[f"{number}"]
            script.extend(fault.behave for fault in pair)
            ends = [fault for fault in pair if fault.ends]
            settled = next((fault for fault in pair if fault in READ + GOOD), None)
            if settled is pair[0]:
                ends = []
            for end in ends:
                with pytest.raises(UserError) as caught:
                    engine_at(server.base_url).reply([request])
                assert end.ends in str(caught.value), [fault.name for fault in pair]
            wanted = settled.reply if settled and settled.reply else good(request)
            assert engine_at(server.base_url).reply([request]) == [[wanted]], [fault.name for fault in pair]


def test_kinds_of_faults_in_pairs(engine_at):
    check_pairs(engine_at, list(product(kinds(AGAIN), kinds(AGAIN + READ + GOOD))))


def test_slow_kinds_of_faults_in_pairs(engine_at):
    every = kinds(AGAIN + SLOW + READ + GOOD)
    check_slow_pairs(engine_at, [pair for pair in product(every, every) if set(pair) & set(kinds(SLOW))])


def test_kinds_of_faults_that_end_the_job_in_pairs(engine_at):
    every = kinds(AGAIN + READ + ENDS)
    check_pairs_with_an_end(engine_at, [pair for pair in product(every, every) if set(pair) & set(kinds(ENDS))])


@pytest.mark.slow
def test_all_faults_in_pairs(engine_at):
    check_pairs(engine_at, list(product(AGAIN, AGAIN + READ + GOOD)))


@pytest.mark.slow
def test_all_slow_faults_in_pairs(engine_at):
    every = AGAIN + SLOW + READ + GOOD
    check_slow_pairs(engine_at, [pair for pair in product(every, every) if set(pair) & set(SLOW)])


@pytest.mark.slow
def test_all_faults_that_end_the_job_in_pairs(engine_at):
    every = AGAIN + READ + GOOD + ENDS
    check_pairs_with_an_end(engine_at, [pair for pair in product(every, every) if set(pair) & set(ENDS)])


@pytest.mark.parametrize("trickle", [BLANK_LINES, SLOW_BYTES, SLOW_HEADERS])
def test_a_try_ends_at_its_time_whatever_trickles(engine_at, trickle):
    started = time.monotonic()
    with FakeEndpoint(otherwise=trickle) as server, pytest.raises(UserError, match=r"no whole answer in 0\.3 seconds"):
        engine_at(server.base_url, timeout_seconds=0.3, give_up_minutes=0.01).reply([asked()])
    assert time.monotonic() - started < 20  # the server would go on for 50 s


def test_why_it_waits_is_told_once_for_many_requests(engine_at, capfd):
    with FakeEndpoint(*[fails(503, f"request {number}: full") for number in range(40)]) as server:
        engine_at(server.base_url, concurrency=8).reply([asked(count=10)])
    assert len(capfd.readouterr().err.splitlines()) == 1


# What was kept by a version that did not check it


@pytest.mark.parametrize(
    "change",
    [
        {"choices": [{"text": [{"type": "text", "text": "C"}], "finish": "stop"}]},
        {"choices": [{"text": "C", "finish": "error"}]},
        {"choices": [{"text": "C"}]},
        {"choices": []},
        {"choices": None},
        {"usage": None},
        {"usage": {"requests": 1, "prompt_tokens": "5"}},
        {"usage": {"cost": 1}},
        {"top": [-0.5]},
        {"top": {"C": "-0.5"}},
        None,
    ],
    ids=str,
)
def test_a_kept_answer_that_can_not_be_used_is_asked_again(tmp_path, change):
    file, request = tmp_path / "partial.jsonl", asked(count=3)
    with FakeEndpoint() as server:
        for _ in range(3):
            with open_response_log(file) as response_log:
                [replies] = EndpointEngine(endpoint_at(server.base_url), response_log).reply([request])
            if _ == 0:
                wanted, (first, *others) = replies, file.read_text().splitlines(keepends=True)
                entry = json.loads(first)
                entry["answer"] = entry["answer"] | change if change else change
                file.write_text(json.dumps(entry) + "\n" + "".join(others))
            assert replies == wanted
    assert len(server.bodies) == 3 + 1


# Log-probabilities


def alternatives(*pairs) -> dict:
    """Log-probabilities of a first token, as the API shapes them."""
    tops = [{"token": token, "logprob": value} for token, value in pairs]
    return {"content": [{"token": "C", "logprob": -0.1, "top_logprobs": tops}]}


@pytest.mark.parametrize(
    ("logprobs", "why"),
    [
        (None, "gives no log-probabilities"),
        ([-0.5], "gives no log-probabilities"),
        ({"content": [None]}, "gives no log-probabilities"),
        ({"content": [{"top_logprobs": {"C": -0.1}}]}, "gives no log-probabilities"),
        ({"top_logprobs": [{"C": -0.1}]}, "gives no log-probabilities"),
        (alternatives(("C", None), ("D", -1.0)), "'C' is not among the 1 most likely"),
        (alternatives(("C", "-0.1"), ("D", -1.0)), "'C' is not among the 1 most likely"),
        (alternatives(("C", 10**400), ("D", -1.0)), "'C' is not among the 1 most likely"),
        (alternatives((3, -0.1), ("D", -1.0)), "'C' is not among the 1 most likely"),
        (alternatives(("C", 0.7), ("D", 0.3)), "the log-probability of 'C' is 0.7, above 0"),
        (alternatives(("x", 1e300), ("C", -1), ("D", -1)), "the log-probability of 'x' is 1e+300, above 0"),
        (alternatives(("C", -0.1), ("D", -0.1)), "probabilities of a token's alternatives sum to 1.81"),
    ],
)
def test_log_probabilities_that_can_not_be_used_mean_observations_only(engine_at, capfd, logprobs, why):
    with FakeEndpoint(otherwise=scored(logprobs)) as server:
        engine = engine_at(server.base_url)
        assert engine.score([QUESTION]) is None
        assert engine.reply([asked()]) == [[Reply("D", "stop", 2)]]
    assert why in capfd.readouterr().err
    assert len(server.bodies) == 2


def test_rounding_lifts_no_log_probability_above_0(engine_at):
    with FakeEndpoint(otherwise=scored(alternatives(("C", 1e-7), ("D", -20)))) as server:
        [score] = engine_at(server.base_url).score([QUESTION])
    assert score.log_probabilities == (0.0, -20.0)


def without_log_probabilities(refusal):
    """A server that refuses log-probabilities so, and answers otherwise."""
    return lambda handler, body: (refusal if body.get("logprobs") else TOP)(handler, body)


REFUSALS = [fault for fault in ENDS if fault.name in ("400", "403", "404", "404 page", "413", "422", "501")]


@named(REFUSALS + kinds(AGAIN))
def test_log_probabilities_refused_in_any_way_mean_observations_only(engine_at, capfd, fault):
    with FakeEndpoint(otherwise=without_log_probabilities(fault.behave)) as server:
        engine = engine_at(server.base_url, give_up_minutes=0.005 if fault.name == "429" else 1)
        if fault.name == "429":  # says that it is busy
            with pytest.raises(UserError, match="HTTP 429: slow down"):
                engine.score([QUESTION])
            return
        assert engine.score([QUESTION]) is None
        assert engine.reply([asked()]) == [[good(asked())]]
    [line] = [line for line in capfd.readouterr().err.splitlines() if "no exact scores, observations only" in line]
    assert (fault.ends or fault.words) in line
    # Each question without log-probabilities is paid, and so counted.
    assert engine.usage.requests == len([body for body in server.bodies if not body.get("logprobs")])


@named(kinds(AGAIN + SLOW))
def test_a_failure_that_passes_costs_no_scores(engine_at, fault):
    with FakeEndpoint(fault.behave, fault.behave, otherwise=TOP) as server:
        [score] = engine_at(server.base_url, timeout_seconds=patience(fault)).score([QUESTION])
    assert score.log_probabilities == (-0.5, -1.0)


def test_no_pair_of_failures_costs_scores(engine_at):
    talk, questions = Conversations(), []
    for pair in product(kinds(AGAIN), kinds(AGAIN)):
        questions.append(Question(asked(f"{len(questions)}").messages, ("C", "D")))
        talk.scripts[questions[-1].messages[0]["content"]].extend(fault.behave for fault in pair)
    with FakeEndpoint(otherwise=talk) as server:
        scores = engine_at(server.base_url, concurrency=16).score(questions)
    assert [score.log_probabilities for score in scores] == [(-0.5, -1.0)] * len(questions)


def test_a_server_that_is_down_refuses_nothing(engine_at):
    """It fails at both, and then gives log-probabilities."""
    with FakeEndpoint(*[fails(500)] * 15, otherwise=TOP) as server:
        engine = engine_at(server.base_url)
        [score] = engine.score([QUESTION])
    assert score.log_probabilities == (-0.5, -1.0)


def test_a_refused_key_is_no_refusal_of_log_probabilities(engine_at):
    with FakeEndpoint(otherwise=fails(401)) as server, pytest.raises(UserError, match="without a key is refused"):
        engine_at(server.base_url).score([QUESTION])


# What is sent


def test_nothing_of_the_environment_reaches_a_server(engine_at, monkeypatch):
    secret = "leaked-7f3b"
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "ORGANIZATION", "PROJECT_ID", "WEBHOOK_SECRET", "API_VERSION"):
        monkeypatch.setenv(f"OPENAI_{name}", secret)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"Authorization: Bearer {secret}\nX-Team: {secret}")
    for name in ("AZURE_OPENAI_API_KEY", "ANTHROPIC_API_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, secret)
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://{secret}.example/v1")
    monkeypatch.setenv("TEST_KEY", KEY)
    with FakeEndpoint() as server:
        engine_at(server.base_url).reply([asked()])
        engine_at(server.base_url, key_variable="TEST_KEY").reply([asked("with a key")])
    common = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length", "content-type"}
    without, with_key = server.headers
    assert without.keys() == common and with_key.keys() == common | {"authorization"}
    assert with_key["authorization"] == f"Bearer {KEY}"
    assert secret not in str(server.headers) + str(server.bodies)


def test_a_netrc_file_is_not_sent(engine_at, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password leaked-7f3b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with FakeEndpoint() as server:
        engine_at(server.base_url).reply([asked()])
    assert "authorization" not in server.headers[0]


def test_a_key_does_not_follow_a_redirect(engine_at, monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)
    with (
        FakeEndpoint() as other,
        FakeEndpoint(otherwise=fails(307, Location=other.base_url)) as server,
        pytest.raises(UserError, match="it has moved to"),
    ):
        engine_at(server.base_url, key_variable="TEST_KEY").reply([asked()])
    assert not other.headers


@pytest.mark.parametrize("parameter", ["temperature", "top_p", "seed", "max_tokens", "logprobs", "top_logprobs"])
@pytest.mark.parametrize("sent", ["", "another_name"])
def test_each_parameter_can_be_left_out_or_renamed(engine_at, parameter, sent):
    usual, changed = [], []
    for bodies, words in ((usual, ()), (changed, (f"{parameter}={sent}",))):
        # A server that knows the parameters by their usual names alone would answer without log-probabilities.
        with FakeEndpoint(otherwise=lambda handler, body: TOP(handler, {"seed": 1, **body})) as server:
            engine = engine_at(server.base_url, parameters=words)
            engine.score([QUESTION])
            assert len(engine.reply([asked(count=3)])[0]) == 3
            bodies += server.bodies
    if parameter == "logprobs" and not sent:
        usual = usual[1:]
    wanted = [{sent if key == parameter else key: value for key, value in body.items()} for body in usual]
    assert changed == [{key: value for key, value in body.items() if key} for body in wanted]


def test_replies_without_seeds_are_asked_for_one_by_one_and_kept(engine_at):
    with FakeEndpoint(*[says_letter(letter) for letter in "CDDC"]) as server:
        for count in (3, 4):
            [replies] = engine_at(server.base_url, parameters=("seed=",)).reply([asked(count=count)])
            assert [reply.text for reply in replies] == list("CDDC")[:count]
    assert len(server.bodies) == 4


def says_letter(letter: str):
    """A reply of this letter, whatever was asked."""
    document = completion({"messages": MESSAGES, "seed": 1})
    document["choices"][0]["message"]["content"] = letter
    return says(document)


# The way to a server


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("ALL_PROXY", "socks5://me:secret-7f3b@127.0.0.1:9", "SOCKS needs the package socksio"),
        ("HTTP_PROXY", "socks4://127.0.0.1:9", "socks4"),
        ("http_proxy", "http://127.0.0.1:port", "Invalid port"),
        ("HTTPS_PROXY", "ftp://127.0.0.1:9", "ftp"),
    ],
)
def test_a_proxy_that_can_not_be_used_is_one_line(engine_at, monkeypatch, variable, value, words):
    monkeypatch.setenv(variable, value)
    with FakeEndpoint() as server, pytest.raises(UserError) as caught:
        engine_at(server.base_url).reply([asked()])
    assert variable in str(caught.value) and words in str(caught.value)
    assert str(caught.value).isprintable() and "secret" not in str(caught.value)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_can_not_be_read_are_one_line(engine_at, monkeypatch, tmp_path, content):
    file = tmp_path / "own.pem"
    if content:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(UserError) as caught:
        engine_at("https://127.0.0.1:9/v1").reply([asked()])
    assert f"SSL_CERT_FILE={file}: " in str(caught.value) and str(caught.value).isprintable()


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:99999/v1", "http://127.0.0.1:x/v1", "http://[::1/v1", "http:///v1"]
)
def test_an_address_that_is_none_is_one_line(engine_at, address):
    with pytest.raises(UserError, match=r"teacher\.endpoint\.base_url: .* is no address"):
        engine_at(address).reply([asked()])


def test_tls_where_there_is_none_is_named(engine_at):
    with FakeEndpoint() as server, pytest.raises(UserError, match=r"no answer in 0\.002 minutes \(ConnectError: .*SSL"):
        engine_at(server.base_url.replace("http", "https"), give_up_minutes=0.002).reply([asked()])
