"""Reading a reply: which choice it makes, by which rule, or why none can be read."""

import re
from dataclasses import dataclass

from tom.prompts import CHOICE_LAST
from tom.replies import Reply

OUTCOMES = ("read", "ambiguous", "refused", "off_format", "truncated", "empty")
"""What became of a reply; only `read` ones have an action. None is ever redrawn or guessed."""


@dataclass(frozen=True)
class Reading:
    """What became of a reply, the rule that found it, and the option that was read, None unless one was."""

    outcome: str
    rule: str
    option: str | None


def read_choice(reply: Reply, form: str, options: tuple[str, str]) -> Reading:
    """Read a free reply of some form of elicitation."""
    letters = "|".join(map(re.escape, options))
    found = re.match(rf"\W*({letters})\b", reply.text)
    if form == CHOICE_LAST:
        found = re.search(rf"Choice:\W*({letters})\W*$", reply.text) or re.fullmatch(rf"\W*({letters})\W*", reply.text)
    if found:
        return Reading("read", "letter", found[1])
    if not reply.text.strip():
        return Reading("empty", "empty", None)
    return Reading("truncated" if reply.finish == "length" else "off_format", "none", None)
