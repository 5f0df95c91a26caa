"""Free replies: what an engine is asked for, and what it gives back.

How a reply is read is tom/reading/readings.py; which engines there are is tom/engines/seam.py.
"""

from dataclasses import dataclass

from tom.asking.prompts import Messages

FINISHES = ("stop", "length")
"""Why a reply ended: of its own accord, or because it may be no longer."""


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
