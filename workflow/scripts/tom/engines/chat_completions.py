"""The `openai` engine: chat completions of any OpenAI-compatible endpoint.

Each answer goes into the response log as soon as it arrives, under the hash of the request body and the endpoint's
address. An observation's seed is its request's seed plus its number, so an interrupted job that asks for the rest gets
the observations it would have got. Not every endpoint honours seeds.
"""

import asyncio
import math
import sys
from typing import TYPE_CHECKING

from tom.engines.chat_answers import is_answer
from tom.engines.chat_client import ChatClient, Refused
from tom.engines.endpoint import Endpoint, Usage, check_address, read_key
from tom.engines.interface import SEEDS, ChoiceScore, Question, Reply, Request
from tom.engines.response_log import ResponseLog, question_key

if TYPE_CHECKING:
    import httpx2

    from tom.prompts.prompts import Messages

TOP_LOGPROBS = 20
"""The API gives at most this many alternatives of a token."""
ROUNDING, ROUNDING_OF_SUM = 1e-6, 1e-3
"""How far rounding may lift a log-probability above 0, and the sum of the alternatives' probabilities above 1."""


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
        key = read_key(endpoint.key_variable, "teacher.endpoint.key_variable")
        self._client = ChatClient(endpoint, self._names, key, response_log.file, self._spend)

    def _spend(self, usage: Usage) -> None:
        self.usage += usage

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

    def tokens_sha256(self, messages: "Messages") -> None:
        """None: the endpoint renders and tokenises the messages itself."""

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
                    self.response_log.add({key: await self._client.ask(client, body, stopped)})
                except Exception as error:  # noqa: BLE001 - raised below, once those under way are logged
                    errors.append(error)
                    stopped.set()

        async with self._client.connect() as client:
            await asyncio.gather(*(ask(client, key, body) for key, body in missing.items()))
        if errors:
            raise errors[0]


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
