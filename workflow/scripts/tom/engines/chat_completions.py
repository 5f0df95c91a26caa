"""The `openai` engine: chat completions of any OpenAI-compatible endpoint.

Each answer goes into the response log as soon as it arrives, under the hash of the request body and the endpoint's
address. An observation's seed is its request's seed plus its number, so an interrupted job that asks for the rest gets
the observations it would have got. Not every endpoint honours seeds.
"""

import asyncio
import math
import os
import random
import re
import ssl
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING

import tenacity

from tom.core.errors import UserError, first_line
from tom.engines.chat_answers import NoAnswer, error_code, is_answer, read_answer, server_words
from tom.engines.endpoint import Endpoint, Usage, check_address, read_key
from tom.engines.interface import SEEDS, ChoiceScore, Question, Reply, Request
from tom.engines.response_log import ResponseLog, question_key

if TYPE_CHECKING:
    import httpx2

TOP_LOGPROBS = 20
"""The API gives at most this many alternatives of a token."""
LONGEST_BACKOFF_SECONDS = 60.0
MOST_JITTER = 1.25
# Timeout, conflict, too early, too many requests: worth another try, and no word on log-probabilities.
BUSY = (408, 409, 425, 429)
NOT_IMPLEMENTED = 501
# With status 429 OpenAI also reports an empty account, where another try is useless.
ACCOUNT_EMPTY = "insufficient_quota"
KEY_REFUSED, NOT_ALLOWED = 401, 403
SCORE_TRIES = 4
"""So many failures in a row, while it answers without log-probabilities, are an endpoint's refusal of these."""
ROUNDING, ROUNDING_OF_SUM = 1e-6, 1e-3
"""How far rounding may lift a log-probability above 0, and the sum of the alternatives' probabilities above 1."""
LONGEST_WORDS = 300
"""Characters of a server's own words in a message."""
QUIET_SECONDS = 30.0
"""The same reason to wait is not told again before."""
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class Refused(UserError):
    """The endpoint does not support what a request asks for."""


class EndpointEngine:
    """An endpoint as an engine; it scores questions only if it gives log-probabilities.

    sent: `score` and `reply` → the settings of the first such request, as they were sent.
    """

    def __init__(self, endpoint: Endpoint, response_log: ResponseLog, top_logprobs: int = TOP_LOGPROBS):
        """Errors: UserError if the key's variable is not set, or the address is none."""
        self.endpoint = endpoint
        self.response_log = response_log
        self.usage = Usage()
        self.sent: dict[str, dict] = {}
        check_address(endpoint.base_url, "teacher.endpoint.base_url")
        self._names = endpoint.names()
        self._top_logprobs = top_logprobs
        self._key = read_key(endpoint.key_variable, "teacher.endpoint.key_variable")
        self._told: dict[str, float] = {}

    def score(self, questions: list[Question]) -> list[ChoiceScore] | None:
        """Exact probability of each option as the reply's first token, and their joint mass, at temperature 1.

        None, with the reason in the log, if the endpoint gives no log-probabilities or an option is not among the
        most likely tokens: an unknown probability is never estimated.
        """
        if any(question.ends for question in questions):
            return _no_scores("an endpoint tells the first token's alternatives alone, not how a reply ends")
        if not self._names["logprobs"]:
            return _no_scores("teacher.endpoint.parameters leaves logprobs out")
        try:
            answers = self._ask("score", [(self._score_body(question), None) for question in questions])
        except Refused as error:
            return _no_scores(str(error))
        scores = []
        for question, answer in zip(questions, answers, strict=True):
            top = answer["top"]
            if not top:
                return _no_scores(f"{self.endpoint.base_url} gives no log-probabilities")
            if wrong := _no_probabilities(top):
                return _no_scores(f"{self.endpoint.base_url}: {wrong}")
            absent = [option for option in question.options if option not in top]
            if absent:
                return _no_scores(f"{absent[0]!r} is not among the {len(top)} most likely first tokens")
            logarithms = tuple(min(top[option], 0.0) for option in question.options)
            scores.append(ChoiceScore(logarithms, sum(map(math.exp, logarithms))))
        return scores

    def reply(self, requests: list[Request]) -> list[list[Reply]]:
        """Each request's replies, in order.

        A reply's tokens are None if one request brought several: the endpoint counts them together. Errors: UserError;
        answers so far stay in the response log.
        """
        bodies = [
            [self._reply_body(request, first) for first in range(0, request.count, self.endpoint.n_per_request)]
            for request in requests
        ]
        answers = iter(self._ask("reply", [body for several in bodies for body in several]))
        return [[reply for _ in several for reply in _replies(next(answers))] for several in bodies]

    def _score_body(self, question: Question) -> dict:
        settings = {"temperature": 1.0, "top_p": 1.0, "logprobs": True, "top_logprobs": self._top_logprobs}
        return self._body(question.messages, 1, settings | {"max_tokens": 1})

    def _reply_body(self, request: Request, first: int) -> tuple[dict, int]:
        """The body of the request for replies number `first` and following, and their seed."""
        count, seed = min(self.endpoint.n_per_request, request.count - first), (request.seed + first) % SEEDS
        settings = {"temperature": request.temperature, "top_p": request.top_p, "max_tokens": request.max_tokens}
        return self._body(request.messages, count, settings | {"seed": seed}), seed

    def _body(self, messages: list[dict], count: int, settings: dict) -> dict:
        sent = {self._names[name]: value for name, value in settings.items() if self._names[name]}
        body = {"model": self.endpoint.model, "messages": messages} | sent
        # Some servers refuse `n` altogether.
        return body | ({"n": count} if count > 1 else {})

    def _ask(self, kind: str, bodies: list[tuple[dict, int | None]]) -> list[dict]:
        """The answer to each request body with its seed, from the response log if it is there."""
        keys = [self._key_of(*body) for body in bodies]
        missing = {key: body for key, (body, _) in zip(keys, bodies, strict=True) if not self._kept(key, body)}
        if len(missing) < len(bodies):
            kept = len(bodies) - len(missing)
            print(f"{self.response_log.file}: {kept} of {len(bodies)} answers are there", file=sys.stderr, flush=True)
        if missing:
            asyncio.run(self._ask_missing(missing))
        answers = [self.response_log.answers[key] for key in keys]
        self.usage = sum((Usage(**answer["usage"]) for answer in answers), self.usage)
        self.sent.setdefault(kind, {name: value for name, value in bodies[0][0].items() if name != "messages"})
        return answers

    def _key_of(self, body: dict, seed: int | None = None) -> str:
        """A seed that is not sent still tells one observation's request from the next."""
        unsent = {} if seed is None or self._names["seed"] else {"seed": seed}
        return question_key({"base_url": self.endpoint.base_url, "body": body} | unsent)

    def _kept(self, key: str, body: dict) -> bool:
        """Whether the response log has a usable answer: an earlier version may have kept another."""
        return is_answer(self.response_log.answers.get(key), body.get("n", 1))

    async def _ask_missing(self, missing: dict[str, dict]) -> None:
        """Ask concurrently and log each answer. After an error, start no request, but log those under way."""
        stopped, places, errors = asyncio.Event(), asyncio.Semaphore(self.endpoint.concurrency), []

        async def ask(client: "httpx2.AsyncClient", key: str, body: dict) -> None:
            async with places:
                if stopped.is_set():
                    return
                try:
                    self.response_log.add({key: await self._ask_patiently(client, body, stopped)})
                except Exception as error:  # noqa: BLE001 - raised below, once those under way are logged
                    errors.append(error)
                    stopped.set()

        async with self._client() as client:
            await asyncio.gather(*(ask(client, key, body) for key, body in missing.items()))
        if errors:
            raise errors[0]

    def _client(self) -> "httpx2.AsyncClient":
        """A client that sends the headers of HTTP and the key, and nothing else.

        Of the environment it follows proxies and certificates alone. Errors: UserError if one of them can't be used.
        """
        import httpx2

        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        limits = httpx2.Limits(max_connections=self.endpoint.concurrency)
        # Certificates take 40 ms to load, and an address without TLS needs none.
        tls = self.endpoint.base_url.startswith("https:") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            # _receive bounds each try as a whole: a limit of each read would wait for ever where bytes trickle.
            return httpx2.AsyncClient(headers=headers, timeout=None, limits=limits, verify=tls)
        except OSError as error:
            # The first of them is taken.
            found = next(
                (f"{name}={os.environ[name]}" for name in CERTIFICATES if os.environ.get(name)), "certificates"
            )
            raise UserError(f"{found}: {first_line(error)}; mend or unset it") from None
        except (ImportError, ValueError, httpx2.InvalidURL) as error:
            # Without their values, which can hold a password.
            found = " or ".join(name for name in os.environ if name.lower() in PROXIES)
            what = "SOCKS needs the package socksio" if isinstance(error, ImportError) else first_line(error)
            raise UserError(f"{found}: the proxy can't be used ({what}); mend or unset it") from None

    async def _ask_patiently(self, client: "httpx2.AsyncClient", body: dict, stopped: asyncio.Event) -> dict:
        """One answer, with retries after what may pass. Errors: UserError for anything else, or after too long."""

        async def pause(seconds: float) -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await stopped.wait()

        give_up = tenacity.stop_before_delay(60 * self.endpoint.give_up_minutes)
        tries = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(NoAnswer),
            wait=self._wait_seconds,
            stop=tenacity.stop_any(give_up, tenacity.stop_when_event_set(stopped)),
            sleep=pause,
            before_sleep=self._tell_why,
            reraise=True,
        )
        try:
            if self._names["logprobs"] in body:
                return await tries(partial(self._try_score, client, body, []))
            return await tries(self._try, client, body)
        except NoAnswer as error:
            raise UserError(
                f"{self.endpoint.base_url}: no answer in {self.endpoint.give_up_minutes:g} minutes"
                f" ({self._in_words(error)}); {self.response_log.file} keeps what was answered: run again to go on"
            ) from None

    async def _try_score(self, client: "httpx2.AsyncClient", body: dict, doubts: list[str]) -> dict:
        """As _try. Errors: Refused after SCORE_TRIES failures while the same without log-probabilities is answered.

        doubts: such failures so far. A server that is down answers neither, and one that is busy says so.
        """
        try:
            return await self._try(client, body)
        except NoAnswer as error:
            if error.status in BUSY:
                doubts.clear()
                raise
            if doubts:  # a first failure may be a hiccup, and each question is paid
                scoring = (self._names["logprobs"], self._names["top_logprobs"])
                try:
                    answer = await self._try(client, {name: body[name] for name in body if name not in scoring})
                except NoAnswer:
                    doubts.clear()
                    raise error from None
                self.usage += Usage(**answer["usage"])
            doubts.append(self._in_words(error))
            if len(doubts) == SCORE_TRIES:
                said = f"{doubts[-1]}; without log-probabilities it answers"
                raise Refused(f"{self.endpoint.base_url}: {said}") from None
            raise

    async def _try(self, client: "httpx2.AsyncClient", body: dict) -> dict:
        """One try. Errors: NoAnswer for what may pass, UserError for what can't."""
        try:
            answer = await self._receive(client, body)
        except NoAnswer as error:
            self._check_may_pass(error, body)
            raise
        found, asked = len(answer["choices"]), body.get("n", 1)
        if found != asked:
            advice = "; set teacher.endpoint.n_per_request to 1" if asked > 1 else ""
            raise UserError(f"{self.endpoint.base_url}: {found} replies came where {asked} were asked for{advice}")
        return answer

    async def _receive(self, client: "httpx2.AsyncClient", body: dict) -> dict:
        """The answer to one request. Errors: NoAnswer."""
        import httpx2

        url, seconds = f"{self.endpoint.base_url.rstrip('/')}/chat/completions", self.endpoint.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                response = await client.post(url, json=body)
        except TimeoutError:
            raise NoAnswer(f"no whole answer in {seconds:g} seconds (teacher.endpoint.timeout_seconds)") from None
        except httpx2.RequestError as error:
            raise NoAnswer(_causes(error)) from None
        if response.is_success:
            return read_answer(response.content)
        said = server_words(response.content) or response.reason_phrase
        if response.is_redirect:
            said = f"it has moved to {response.headers.get('location')}; see teacher.endpoint.base_url"
        status, asked = response.status_code, response.headers.get("retry-after", "")
        raise NoAnswer(f"HTTP {status}: {said}", status, error_code(response.content), asked)

    def _check_may_pass(self, error: NoAnswer, body: dict) -> None:
        """Errors: UserError if another try would end in the same way."""
        status, code = error.status, error.code
        passes = status is None or (status >= 500 and status != NOT_IMPLEMENTED) or status in BUSY
        if passes and code != ACCOUNT_EMPTY:
            return
        words, key = self._in_words(error), self.endpoint.key_variable
        if status == KEY_REFUSED:
            said = f"the key in {key} is refused" if key else "a request without a key is refused"
            raise UserError(f"{self.endpoint.base_url}: {said} ({words})") from None
        if self._names["logprobs"] in body:
            raise Refused(f"{self.endpoint.base_url}: {words}") from None
        if status == NOT_ALLOWED:
            said = f"the key in {key}" if key else "no key"
            raise UserError(f"{self.endpoint.base_url}: not allowed with {said} ({words})") from None
        raise UserError(f"{self.endpoint.base_url}: {words}") from None

    def _wait_seconds(self, state: tenacity.RetryCallState) -> float:
        """Seconds until the next try, with jitter: what the endpoint asks for, or else twice the last pause."""
        asked = retry_after(state.outcome.exception().retry_after)
        doubled = tenacity.wait_exponential(self.endpoint.backoff_seconds, LONGEST_BACKOFF_SECONDS)(state)
        return (doubled if asked is None else asked) * random.uniform(1, MOST_JITTER)

    def _tell_why(self, state: tenacity.RetryCallState) -> None:
        """Say why a request is asked again, each reason once in a while, and what it is that ends the wait."""
        words, now = self._in_words(state.outcome.exception()), time.monotonic()
        # Servers number their messages.
        reason = re.sub(r"\d+", "", words)[:40]
        if now - self._told.get(reason, -math.inf) >= QUIET_SECONDS:
            self._told[reason] = now
            patience = f"asked again for up to {self.endpoint.give_up_minutes:g} minutes (give_up_minutes)"
            print(f"{self.endpoint.base_url}: {words}; {patience}", file=sys.stderr, flush=True)

    def _in_words(self, error: NoAnswer) -> str:
        """What happened in one line, with the key masked wherever a server repeats it."""
        words = str(error).replace(self._key, "***") if self._key else str(error)
        shown = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
        return shown if len(shown) <= LONGEST_WORDS else f"{shown[:LONGEST_WORDS]} …"


def retry_after(value: str) -> float | None:
    """Seconds to wait by a header Retry-After; None if it says nothing that can be read."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _causes(error: BaseException) -> str:
    """An error of a connection with the one below all of its layers: "Connection refused"."""
    lowest = error
    while below := getattr(lowest, "exceptions", [None])[0] or lowest.__cause__ or lowest.__context__:
        lowest = below
    words = f"{type(error).__name__}: {error}".rstrip(": ")
    return words if str(lowest) in words else f"{words} ({first_line(lowest)})"


def _no_probabilities(top: dict[str, float]) -> str | None:
    """What is wrong with the alternatives of a token; None if they can be log-probabilities."""
    for token, value in top.items():
        if value > ROUNDING:
            return f"the log-probability of {token!r} is {value:g}, above 0"
    total = sum(map(math.exp, top.values()))
    return f"the probabilities of a token's alternatives sum to {total:.3g}" if total > 1 + ROUNDING_OF_SUM else None


def _replies(answer: dict) -> list[Reply]:
    usage = Usage(**answer["usage"])
    known = len(answer["choices"]) == 1 and not usage.uncounted
    tokens = usage.completion_tokens if known else None
    return [Reply(choice["text"], choice["finish"], tokens) for choice in answer["choices"]]


def _no_scores(why: str) -> None:
    print(f"no exact scores, observations only: {why}", file=sys.stderr, flush=True)
