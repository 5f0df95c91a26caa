"""Reading a reply: which choice it makes, by which rule, or why none can be read."""

from dataclasses import dataclass

from tom.replies import Reply

OUTCOMES = ("read", "ambiguous", "refused", "off_format", "truncated", "empty")
"""What became of a reply; only `read` ones have an action. None is ever redrawn or guessed."""


@dataclass(frozen=True)
class Reading:
    """What became of a reply, by which rule, and the option it takes, if any."""

    outcome: str
    rule: str
    option: str | None


def read_choice(reply: Reply, form: str, options: tuple[str, str]) -> Reading:
    """The option that a reply is, or begins with as a word of its own."""
    words = reply.text.split()
    if not words:
        return Reading("empty", "nothing", None)
    word = words[0].rstrip(".,:;")
    return Reading("read", "first_word", word) if word in options else Reading("off_format", "first_word", None)
