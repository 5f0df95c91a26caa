"""An OpenAI-compatible endpoint as a job names it. The key stays in the environment."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tom.core.errors import UserError
from tom.core.library_errors import first_line

PARAMETERS = ("temperature", "top_p", "seed", "max_tokens", "logprobs", "top_logprobs")
"""Parameters of a request that can have another name at an endpoint, or be left out."""


def sent_names(parameters: Mapping[str, str | None], where: str) -> dict[str, str | None]:
    """Each of PARAMETERS → the name under which it is sent, None if it is left out. parameters: those that differ.

    Errors: UserError, which begins with `where`, for two of one name.
    """
    names = {name: parameters.get(name, name) for name in PARAMETERS}
    for name, number in Counter(filter(None, names.values())).items():
        if number > 1:
            both = " and ".join(parameter for parameter, sent in names.items() if sent == name)
            raise UserError(f"{where}: {both} would both be sent as {name!r}")
    return names


@dataclass(frozen=True)
class Endpoint:
    """Where a model answers, and how patiently it is asked.

    Only base_url, model, n_per_request and parameters affect replies. timeout_seconds bounds one try as a whole,
    give_up_minutes all tries of one request. backoff_seconds is the pause before the second try, doubled before each
    later one.
    """

    base_url: str = field(metadata={"help": "address up to, and without, chat/completions"})
    model: str = field(metadata={"flag": "endpoint_model", "help": "the model's name at the endpoint"})
    concurrency: int = field(metadata={"help": "requests at a time"})
    n_per_request: int = field(metadata={"help": "replies that one request asks for"})
    timeout_seconds: float
    give_up_minutes: float
    key_variable: str = field(default="", metadata={"help": "environment variable that holds the key; empty: no key"})
    prompt_price: float | None = field(default=None, metadata={"help": "of a million tokens"})
    completion_price: float | None = field(default=None, metadata={"help": "of a million tokens"})
    parameters: tuple[str, ...] = field(
        default=(), metadata={"help": "PARAMETER=NAME for each that has another name there; no name: it is left out"}
    )
    backoff_seconds: float = 1.0

    def names(self) -> dict[str, str | None]:
        """As sent_names."""
        pairs = (word.partition("=") for word in self.parameters)
        return sent_names({name: sent or None for name, _, sent in pairs}, "--parameters")


def check_address(base_url: str, where: str) -> None:
    """Errors: UserError, which begins with `where`, if a request can't be sent to such an address."""
    import httpx2

    try:
        url = httpx2.URL(base_url)
        valid = url.host and (url.port or 0) < 2**16
    except (httpx2.InvalidURL, ValueError) as error:
        raise UserError(f"{where}: {base_url} is no address ({first_line(error)})") from None
    if not valid:
        raise UserError(f"{where}: {base_url} is no address (host, and port up to 65535)")
    if url.path.rstrip("/").endswith("chat/completions"):
        raise UserError(f"{where}: {base_url} (allowed: the address up to, and without, chat/completions)")


def read_key(variable: str, where: str) -> str:
    """The key in an environment variable, or "" if none is named.

    Errors: UserError if it is unset or can't stand in a header. Its message begins with `where` and hides the key.
    """
    if not variable:
        return ""
    key = os.environ.get(variable, "")
    if not key:
        raise UserError(f"{where}: the environment variable {variable} is not set (empty: the endpoint needs no key)")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(f"{where}: the key in {variable} holds a space, a line break or a letter outside ASCII")
    return key


MILLION = 1_000_000


@dataclass(frozen=True)
class Usage:
    """Tokens that an endpoint reported. uncounted: answers that came without a count."""

    requests: int = 0
    uncounted: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.requests + other.requests,
            self.uncounted + other.uncounted,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )

    def cost(self, prompt_price: float | None, completion_price: float | None) -> float | None:
        """Price of the counted tokens, prices being per million; None without prices."""
        if prompt_price is None or completion_price is None:
            return None
        return (self.prompt_tokens * prompt_price + self.completion_tokens * completion_price) / MILLION


def in_words(usage: Usage, cost: float | None) -> str:
    """One line for a log."""
    words = f"{usage.requests} requests, {usage.prompt_tokens} prompt + {usage.completion_tokens} completion tokens"
    words += f" ({usage.uncounted} answers came without a count)" if usage.uncounted else ""
    return words + ("" if cost is None else f", cost {cost:.4f}")
