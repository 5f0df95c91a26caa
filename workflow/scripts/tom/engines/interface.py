"""What sampling asks of an engine, and what it answers: scores of options, and free replies."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tom.core.errors import UserError
from tom.prompts.prompts import Messages


@dataclass(frozen=True)
class ChoiceScore:
    """Log-probabilities of a question's options, and how likely a free reply is one of them (see Question.ends)."""

    log_probabilities: tuple[float, ...]
    option_mass: float

    def probability(self, index: int, temperature: float) -> float:
        """Probability of one option among all of them at a temperature; sums to 1 over the options."""
        if not max(self.log_probabilities) > -np.inf:
            raise UserError(f"the model gives no option a probability (logarithms {self.log_probabilities})")
        own = self.log_probabilities[index]
        # An option against itself is 1, where two that are never given would be infinity less infinity.
        others = [0.0 if one == own else one - own for one in self.log_probabilities]
        return float(1 / np.exp(np.clip(np.array(others) / temperature, -700, 700)).sum())


@dataclass(frozen=True)
class Question:
    """What an engine is asked: a prompt and the options to choose among.

    ends: an option is the whole reply, its end of turn included; else a reply goes on as it likes behind the option.
    """

    messages: Messages
    options: tuple[str, ...]
    ends: bool = False


@dataclass(frozen=True)
class Request:
    """`count` independent replies to one prompt, at most `max_tokens` long.

    temperature > 0 and 0 < top_p <= 1 as in nucleus sampling (Holtzman et al., arXiv 1904.09751). seed: of this
    request alone, so that a cell's replies never depend on which other cells an engine answered before.
    """

    messages: Messages
    count: int
    max_tokens: int
    temperature: float
    top_p: float
    seed: int


@dataclass(frozen=True)
class Reply:
    """One reply: its text without special tokens, why it ended, and its length in tokens, end of turn included.

    tokens: None where an engine can't tell them for this reply alone.
    """

    text: str
    finish: str
    tokens: int | None


class Engine(Protocol):
    """What a shard needs of an engine."""

    def score(self, questions: list[Question]) -> list[ChoiceScore] | None:
        """Exact option scores of each question, in order; None from an engine that can't know them."""

    def reply(self, requests: list[Request]) -> list[list[Reply]]:
        """Each request's free replies, in order. The same request gives the same replies, whatever is asked with it."""
