"""What asking an endpoint took: tokens, and their price where the config has one."""

from dataclasses import dataclass

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
