"""The `openai` engine: chat completions of any OpenAI-compatible endpoint.

Each answer goes into the response log as soon as it arrives, under the hash of the request body and the endpoint's
address. An observation's seed is its request's seed plus its number, so an interrupted job that asks for the rest gets
the observations it would have got. Not every endpoint honours seeds.
"""

import json
import math
import random
import sys
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event

import tenacity

from tom.core.errors import UserError
from tom.engines.endpoint import Endpoint, Usage, read_key
from tom.engines.interface import SEEDS, ChoiceScore, Question, Reply, Request
from tom.engines.response_log import ResponseLog, question_key

TOP_LOGPROBS = 20
"""The API gives at most this many alternatives of a token."""
LONGEST_BACKOFF_SECONDS = 60.0
MOST_JITTER = 1.25
# Timeout, conflict, too many requests: worth another try, as after any 5xx.
TRANSIENT = (408, 409, 429)
# With status 429 OpenAI also reports an empty account, where another try is useless.
ACCOUNT_EMPTY = "insufficient_quota"
KEY_REFUSED = (401, 403)
# The server understands the request and refuses it; key and address are right.
REFUSED = (400, 422)


class Refused(UserError):
    """The endpoint does not support what a request asks for."""


class Malformed(Exception):
    """Not a chat completion; the next try may bring one."""


class EndpointEngine:
    """An endpoint as an engine; it scores questions only if it gives log-probabilities."""

    def __init__(self, endpoint: Endpoint, response_log: ResponseLog, top_logprobs: int = TOP_LOGPROBS):
        """Errors: UserError if the key's variable is not set."""
        import openai

        self.endpoint = endpoint
        self.response_log = response_log
        self.usage = Usage()
        self._top_logprobs = top_logprobs
        self._key = read_key(endpoint.key_variable, "teacher.endpoint.key_variable")
        # Without a key the client would send OPENAI_API_KEY to this server, whichever it is.
        self._headers = {} if self._key else {"Authorization": openai.Omit()}
        self._client = openai.OpenAI(
            base_url=endpoint.base_url,
            api_key=self._key or "none",
            timeout=endpoint.timeout_seconds,
            max_retries=0,  # its own retries have no time limit and a fixed backoff
        )

    def score(self, questions: list[Question]) -> list[ChoiceScore] | None:
        """Exact probability of each option as the reply's first token, and their joint mass, at temperature 1.

        None, with the reason in the log, if the endpoint gives no log-probabilities or an option is not among the
        most likely tokens: an unknown probability is never estimated.
        """
        if any(question.ends for question in questions):
            return _no_scores("an endpoint tells the first token's alternatives alone, not how a reply ends")
        try:
            answers = self._ask([self._score_body(question) for question in questions])
        except Refused as error:
            return _no_scores(str(error))
        scores = []
        for question, answer in zip(questions, answers, strict=True):
            top = answer["top"]
            if not top:
                return _no_scores(f"{self.endpoint.base_url} gives no log-probabilities")
            absent = [option for option in question.options if option not in top]
            if absent:
                return _no_scores(f"{absent[0]!r} is not among the {len(top)} most likely first tokens")
            logarithms = tuple(top[option] for option in question.options)
            scores.append(ChoiceScore(logarithms, sum(map(math.exp, logarithms))))
        return scores

    def reply(self, requests: list[Request]) -> list[list[Reply]]:
        """Each request's replies, in order.

        A reply's tokens are None if one request brought several: the endpoint counts them together. Every finish
        other than `length` counts as `stop`. Errors: UserError; answers so far stay in the response log.
        """
        bodies = [
            [self._reply_body(request, first) for first in range(0, request.count, self.endpoint.n_per_request)]
            for request in requests
        ]
        answers = iter(self._ask([body for several in bodies for body in several]))
        return [[reply for _ in several for reply in _replies(next(answers))] for several in bodies]

    def _score_body(self, question: Question) -> dict:
        settings = {"temperature": 1.0, "top_p": 1.0, "logprobs": True, "top_logprobs": self._top_logprobs}
        return self._body(question.messages, 1, 1) | settings

    def _reply_body(self, request: Request, first: int) -> dict:
        count = min(self.endpoint.n_per_request, request.count - first)
        settings = {
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": (request.seed + first) % SEEDS,
        }
        return self._body(request.messages, count, request.max_tokens) | settings

    def _body(self, messages: list[dict], count: int, max_tokens: int) -> dict:
        body = {"model": self.endpoint.model, "messages": messages, self.endpoint.length_parameter: max_tokens}
        # Some servers refuse `n` altogether.
        return body | ({"n": count} if count > 1 else {})

    def _ask(self, bodies: list[dict]) -> list[dict]:
        """The answer to each request body, from the response log if it is there."""
        keys = [question_key({"base_url": self.endpoint.base_url, "body": body}) for body in bodies]
        missing = {key: body for key, body in zip(keys, bodies, strict=True) if key not in self.response_log.answers}
        if len(missing) < len(bodies):
            kept = len(bodies) - len(missing)
            print(f"{self.response_log.file}: {kept} of {len(bodies)} answers are there", file=sys.stderr, flush=True)
        self._ask_missing(missing)
        answers = [self.response_log.answers[key] for key in keys]
        self.usage = sum((Usage(**answer["usage"]) for answer in answers), self.usage)
        return answers

    def _ask_missing(self, missing: dict[str, dict]) -> None:
        """Ask concurrently and log each answer. After an error, start no request, but log those under way."""
        stopped = Event()
        error = None
        with ThreadPoolExecutor(self.endpoint.concurrency) as pool:
            waiting = {pool.submit(self._ask_unless_stopped, body, stopped): key for key, body in missing.items()}
            try:
                while waiting:
                    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                    keys = {future: waiting.pop(future) for future in done}
                    error = error or next(filter(None, (future.exception() for future in done)), None)
                    answered = {key: future.result() for future, key in keys.items() if not future.exception()}
                    self.response_log.add({key: answer for key, answer in answered.items() if answer})
            finally:
                stopped.set()
        if error:
            raise error

    def _ask_unless_stopped(self, body: dict, stopped: Event) -> dict | None:
        if stopped.is_set():
            return None
        try:
            return self._ask_patiently(body, stopped)
        except Exception:
            stopped.set()
            raise

    def _ask_patiently(self, body: dict, stopped: Event) -> dict:
        """One answer, with retries after transient errors. Errors: UserError for any other error, or after too long."""
        import openai

        give_up_seconds = 60 * self.endpoint.give_up_minutes
        transient = (openai.APIConnectionError, openai.APIStatusError, Malformed)
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(transient),
            wait=self._wait_seconds,
            stop=tenacity.stop_any(tenacity.stop_before_delay(give_up_seconds), tenacity.stop_when_event_set(stopped)),
            sleep=tenacity.sleep_using_event(stopped),
            reraise=True,
        )
        try:
            return tries(self._ask_once, body)
        except transient as error:
            raise UserError(
                f"{self.endpoint.base_url}: no answer in {self.endpoint.give_up_minutes:g} minutes"
                f" ({self._what_happened(error)}); {self.response_log.file} keeps what was answered: run again to go on"
            ) from None

    def _ask_once(self, body: dict) -> dict:
        import openai

        try:
            response = self._client.chat.completions.with_raw_response.create(**body, extra_headers=self._headers)
        except openai.APIStatusError as error:
            if _may_pass(error.status_code, error.code):
                raise
            if error.status_code in KEY_REFUSED:
                key = f"the key in {self.endpoint.key_variable}" if self._key else "a request without a key"
                raise UserError(f"{self.endpoint.base_url}: {key} is refused ({self._what_happened(error)})") from None
            kind = Refused if error.status_code in REFUSED else UserError
            raise kind(f"{self.endpoint.base_url}: {self._what_happened(error)}") from None
        try:
            answer = _reduced(json.loads(response.http_response.content))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise Malformed(f"an answer that is no chat completion ({type(error).__name__})") from None
        if len(answer["choices"]) != body.get("n", 1):
            raise UserError(
                f"{self.endpoint.base_url}: {len(answer['choices'])} replies came where {body.get('n', 1)} were asked"
                " for; set teacher.endpoint.n_per_request to 1"
            )
        return answer

    def _wait_seconds(self, state: tenacity.RetryCallState) -> float:
        """Seconds until the next try, with jitter: what the endpoint asks for, or else twice the last pause."""
        asked = retry_after(state.outcome.exception())
        doubled = tenacity.wait_exponential(self.endpoint.backoff_seconds, LONGEST_BACKOFF_SECONDS)(state)
        return (doubled if asked is None else asked) * random.uniform(1, MOST_JITTER)

    def _what_happened(self, error: Exception) -> str:
        """An error in one line, with the key masked wherever a server repeats it."""
        cause = f": {error.__cause__}" if error.__cause__ else ""
        words = " ".join(f"{type(error).__name__}: {error}{cause}".split())
        return words.replace(self._key, "***") if self._key else words


def retry_after(error: BaseException) -> float | None:
    """Seconds to wait by an answer's header Retry-After; None without one."""
    response = getattr(error, "response", None)
    value = response.headers.get("retry-after", "") if response is not None else ""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _may_pass(status: int, code: str | None) -> bool:
    return status >= 500 or (status in TRANSIENT and code != ACCOUNT_EMPTY)


def _reduced(completion: dict) -> dict:
    """What is kept of a chat completion: texts, finishes, alternatives of the first token, counts of tokens."""
    choices = []
    for choice in completion["choices"]:
        message = choice["message"]
        text = message.get("content") or message.get("refusal") or ""
        choices.append({"text": text, "finish": "length" if choice.get("finish_reason") == "length" else "stop"})
    first = ((completion["choices"][0].get("logprobs") or {}).get("content") or [{}])[0]
    top: dict[str, float] = {}
    for alternative in first.get("top_logprobs") or []:
        top.setdefault(alternative["token"], float(alternative["logprob"]))
    return {"choices": choices, "top": top, "usage": asdict(_usage(completion.get("usage")))}


def _usage(counted: dict | None) -> Usage:
    if not counted:
        return Usage(requests=1, uncounted=1)
    return Usage(1, 0, int(counted["prompt_tokens"]), int(counted["completion_tokens"]))


def _replies(answer: dict) -> list[Reply]:
    usage = Usage(**answer["usage"])
    known = len(answer["choices"]) == 1 and not usage.uncounted
    tokens = usage.completion_tokens if known else None
    return [Reply(choice["text"], choice["finish"], tokens) for choice in answer["choices"]]


def _no_scores(why: str) -> None:
    print(f"no exact scores, observations only: {why}", file=sys.stderr, flush=True)
