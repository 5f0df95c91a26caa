"""An OpenAI-compatible endpoint, as a job names it; the key stays in the environment."""

import argparse
import os
from dataclasses import dataclass

from tom.core.errors import UserError

LENGTH_PARAMETERS = ("max_tokens", "max_completion_tokens")
"""What endpoints call the longest reply; OpenAI's own newer models know the second name alone."""


@dataclass(frozen=True)
class Endpoint:
    """Where a model answers, and how patiently it is asked.

    Only base_url, model, n_per_request and length_parameter say what is asked; the others change no reply.
    key_variable: name of the environment variable that holds the key; empty for a server without keys.
    concurrency: requests under way at a time. n_per_request: replies that one request asks for.
    timeout_seconds: of one try; give_up_minutes: of all tries of one request. Prices are per million tokens.
    backoff_seconds: before the second try, doubled before each further one.
    """

    base_url: str
    model: str
    key_variable: str
    concurrency: int
    n_per_request: int
    length_parameter: str
    timeout_seconds: float
    give_up_minutes: float
    prompt_price: float | None = None
    completion_price: float | None = None
    backoff_seconds: float = 1.0

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """The flags that name an endpoint; `from_arguments` reads them."""
        parser.add_argument("--base-url", required=True, help="address up to, and without, chat/completions")
        parser.add_argument("--endpoint-model", required=True, help="the model's name at the endpoint")
        parser.add_argument("--key-variable", default="", help="environment variable that holds the key")
        parser.add_argument("--concurrency", type=int, required=True)
        parser.add_argument("--n-per-request", type=int, required=True)
        parser.add_argument("--length-parameter", choices=LENGTH_PARAMETERS, required=True)
        parser.add_argument("--timeout-seconds", type=float, required=True)
        parser.add_argument("--give-up-minutes", type=float, required=True)
        parser.add_argument("--prompt-price", type=float, help="of a million tokens")
        parser.add_argument("--completion-price", type=float, help="of a million tokens")
        parser.add_argument("--backoff-seconds", type=float, default=Endpoint.backoff_seconds)

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> "Endpoint":
        """The endpoint that parsed flags name."""
        names = [name for name in cls.__dataclass_fields__ if name != "model"]
        return cls(model=arguments.endpoint_model, **{name: getattr(arguments, name) for name in names})


def read_key(variable: str, where: str) -> str:
    """The key in an environment variable, or "" if none is named.

    Errors: UserError, which begins with `where` and never shows the key, if it is unset or can't stand in a header.
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
