"""Asking an endpoint for chat completions patiently: what may pass is asked again, what can't ends with one line.

Each try is bounded as a whole. A wait says why, in the server's own words. Nothing of the environment but proxies and
certificates has a part in it.
"""

import asyncio
import math
import os
import random
import re
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import tenacity

from tom.core.errors import UserError
from tom.core.library_errors import CERTIFICATES, first_line, proxies_set
from tom.engines.chat_answers import NoAnswer, error_code, read_answer, server_words
from tom.engines.endpoint import Endpoint, Usage

if TYPE_CHECKING:
    import httpx2

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
LONGEST_WORDS = 300
"""Characters of a server's own words in a message."""
QUIET_SECONDS = 30.0
"""The same reason to wait is not told again before."""


class Refused(UserError):
    """The endpoint does not support what a request asks for."""


class ChatClient:
    """Requests to one endpoint.

    names: of its parameters, as they are sent. key: sent with each request, if there is one. log_file: of the kept
    answers, for messages. spend: is told what a request took whose answer is not kept.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        names: Mapping[str, str | None],
        key: str | None,
        log_file: Path,
        spend: Callable[[Usage], None],
    ):
        self.endpoint, self.names, self.log_file, self.spend = endpoint, names, log_file, spend
        self._key = key
        self._told: dict[str, float] = {}

    def connect(self) -> "httpx2.AsyncClient":
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
            found = " or ".join(proxies_set())
            what = "SOCKS needs the package socksio" if isinstance(error, ImportError) else first_line(error)
            raise UserError(f"{found}: the proxy can't be used ({what}); mend or unset it") from None

    async def ask(self, client: "httpx2.AsyncClient", body: dict, stopped: asyncio.Event) -> dict:
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
            if self.names["logprobs"] in body:
                return await tries(partial(self._try_score, client, body, []))
            return await tries(self._try, client, body)
        except NoAnswer as error:
            raise UserError(
                f"{self.endpoint.base_url}: no answer in {self.endpoint.give_up_minutes:g} minutes"
                f" ({self._in_words(error)}); {self.log_file} keeps what was answered: run again to go on"
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
                scoring = (self.names["logprobs"], self.names["top_logprobs"])
                try:
                    answer = await self._try(client, {name: body[name] for name in body if name not in scoring})
                except NoAnswer:
                    doubts.clear()
                    raise error from None
                self.spend(Usage(**answer["usage"]))
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
        if self.names["logprobs"] in body:
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
