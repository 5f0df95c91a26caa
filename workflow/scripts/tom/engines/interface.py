"""What sampling asks of an engine, and what it answers: scores of options, and free replies."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tom.core.errors import UserError

# A shard's client imports this module, and the modules below bring in YAML and its schemas.
if TYPE_CHECKING:
    from tom.prompts.prompts import Messages


SEEDS = 2**31
"""Number of seeds that every engine and every endpoint takes: some keep a seed in 32 signed bits."""

REPLIES_PER_BATCH = 64
"""Most replies that transformers samples together unless the config says otherwise; bounds the memory of their keys and
values."""


@dataclass(frozen=True)
class ChoiceScore:
    """Log-probabilities of a question's options, and how likely a free reply is one of them (see Question.ends)."""

    log_probabilities: tuple[float, ...]
    option_mass: float

    def probability(self, index: int, temperature: float) -> float:
        """Probability of one option among all of them at a temperature; sums to 1 over the options."""
        # numpy takes longer to import than a shard's client runs.
        import numpy as np

        if not max(self.log_probabilities) > -math.inf:
            raise UserError(f"the model gives no option a probability (logarithms {self.log_probabilities})")
        own = self.log_probabilities[index]
        # An option's odds against itself are 1; for one of probability 0 the logarithms would give inf - inf.
        others = [0.0 if one == own else one - own for one in self.log_probabilities]
        return float(1 / np.exp(np.clip(np.array(others) / temperature, -700, 700)).sum())


@dataclass(frozen=True)
class Question:
    """A prompt and the options to score as its reply.

    ends: an option is the whole reply, end of turn included; otherwise it is only how the reply begins.
    """

    messages: "Messages"
    options: tuple[str, ...]
    ends: bool = False


@dataclass(frozen=True)
class Request:
    """`count` independent replies to one prompt, of at most `max_tokens` tokens each.

    temperature > 0; 0 < top_p <= 1: nucleus sampling (Holtzman et al., arXiv 1904.09751). seed: each request has its
    own, so a cell's replies never depend on which cells the engine answered before.
    """

    messages: "Messages"
    count: int
    max_tokens: int
    temperature: float
    top_p: float
    seed: int


@dataclass(frozen=True)
class Reply:
    """One reply: its text without special tokens, why it ended, and its length in tokens, end of turn included.

    finish: one of FINISHES or, of an endpoint, of NO_REPLY (tom/parsing/outcomes.py). tokens: None if the engine can't
    count them for this reply alone.
    """

    text: str
    finish: str
    tokens: int | None


class Engine(Protocol):
    """What every engine can do."""

    def score(self, questions: list[Question]) -> list[ChoiceScore] | None:
        """Exact option scores of each question, in order; None from an engine that can't know them."""

    def tokens_sha256(self, messages: "Messages") -> str | None:
        """Hash of the tokens that the model sees as this prompt; None from an engine that never sees them."""

    def reply(self, requests: list[Request]) -> list[list[Reply]]:
        """Each request's free replies, in order. The same request gives the same replies, whatever is asked with it."""
