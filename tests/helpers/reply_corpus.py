"""The corpus of replies, and how many are read right: python tests/helpers/reply_corpus.py PART (one of PARTS)."""

import hashlib
import sys
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import yaml

from tom.engines.interface import Reply
from tom.parsing.choice_readings import read_choice
from tom.parsing.number_readings import read_number
from tom.parsing.outcomes import OUTCOMES
from tom.prompts.prompts import FORMS

PARTS = ("known", "held_out", "second", "third", "reasonings", "more_reasonings", "late_reasonings")
"""Of replies written before the rules, those looked at and those held out; replies written after them, twice; and
reasonings without a closing line, of which the last were written after the others' errors were mended."""
FILES = ("reply_corpus.yaml", "reasoning_corpus.yaml")
UNREAD = "unread"
"""Any outcome but `read`."""
_FORMS = dict(zip(("choice", "first", "last"), FORMS, strict=True))


@dataclass(frozen=True)
class Case:
    """One reply. part: one of PARTS.

    kind: of the reply, or the lowest and the highest number. said: an option, a number, an outcome or UNREAD.
    """

    part: str
    kind: str
    said: str | int
    text: str
    finish: str = "stop"
    options: tuple[str, str] = ("C", "D")

    @property
    def names_one(self) -> bool:
        """Whether a person reads a choice or a number in it."""
        return self.said not in (*OUTCOMES, UNREAD)

    def reading(self) -> str | int:
        """The option or number that the rules read in it, or the outcome."""
        reply = Reply(self.text, self.finish, tokens=1)
        if self.kind in _FORMS:
            found = read_choice(reply, _FORMS[self.kind], self.options)
            return found.option or found.outcome
        low, high = map(int, self.kind.split("-"))
        found = read_number(reply, range(low, high + 1))
        return found.outcome if found.amount is None else found.amount


def corpus(part: str) -> list[Case]:
    """The replies of one of PARTS."""
    texts = (Path(__file__).with_name(file).read_text() for file in FILES)
    written = chain.from_iterable(yaml.load_all(text, yaml.CSafeLoader) for text in texts)
    cases = [
        Case(_part(later, text), kind, said, text, **{name: _frozen(value) for name, value in further.items()})
        for later, document in enumerate(written)
        for kind, replies in document.items()
        for said, text, further in ((*reply, {})[:3] for reply in replies)
    ]
    return [case for case in cases if case.part == part]


def _part(later: int, text: str) -> str:
    return PARTS[1 + later] if later else PARTS[hashlib.sha256(text.encode()).digest()[-1] % 2]


def _frozen(value):
    return tuple(value) if isinstance(value, list) else value


def is_right(case: Case, found: str | int) -> bool:
    """Whether this is what it says; in place of UNREAD any outcome will do."""
    return found == case.said or (case.said == UNREAD and found in OUTCOMES)


def measure(cases: list[Case]) -> dict[str, int]:
    """Replies that name one; that were read; that were read right; with the right outcome where none is named."""
    found = [(case, case.reading()) for case in cases]
    read = [(case, what) for case, what in found if what not in OUTCOMES]
    return {
        "replies": len(cases),
        "name_one": sum(case.names_one for case in cases),
        "read": len(read),
        "read_right": sum(is_right(case, what) for case, what in read),
        "right": sum(is_right(case, what) for case, what in found),
    }


if __name__ == "__main__":
    part = sys.argv[1] if len(sys.argv) > 1 else PARTS[0]
    for case in corpus(part) if part == PARTS[0] else ():
        if not is_right(case, what := case.reading()):
            print(f"{case.kind:7} says {case.said!s:10} read {what!s:10} {case.text!r}")
    for kind in ("all", *_FORMS, "0-10", "2-100"):
        counts = measure([case for case in corpus(part) if kind in ("all", case.kind)])
        print(f"{part} {kind}: {counts}")
