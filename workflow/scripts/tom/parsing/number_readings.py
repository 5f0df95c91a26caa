"""Reading a reply in a game in which players name a number: the number, or the reason why there is none.

The rules, in this order:

1. `no_text`: only white space and markup → empty.
2. `leading_amount` ("5. Since each dollar is multiplied"), `labelled_amount` ("My donation is 5") and `stated_amount`
   ("I would donate $7 of my 10 dollars"; only here also "nothing" and "everything"): if all amounts agree → read, by
   the first of these rules that applies, unless the amount is `not_whole` or `out_of_range` → off_format. If they
   differ: `differing_amounts` → ambiguous. A range ("3 to 5") is two amounts.
3. `cut_off`: the reply was truncated before an amount, or right after one that may have continued → truncated.
4. `refusal` → refused.
5. `no_amount` → off_format.

Amounts in a motivation, about other players, in a hypothetical case or with a negation are not statements
(tom/parsing/assertions.py).
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from tom.engines.interface import Reply
from tom.parsing.assertions import is_asserted
from tom.parsing.reply_text import is_refusal, plain_text, sentences

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBER = rf"(?:[-−]?\d+(?:,\d{{3}})*(?:\.\d+)?|\b(?:{'|'.join(_WORDS)})\b)"
_UNIT = r"(?:\s*(?:dollars?|usd|\$|points?|tokens?|coins?|units?)(?!\w))?"
_AMOUNT = rf"(?:\$\s*)?{_NUMBER}{_UNIT}(?!\s*%|\s*percent|\w)"
_AMOUNTS = rf"(?:(?:between|either|from|all)\s+)?{_AMOUNT}(?:\s*(?:-|–|—|/|\bto\b|\bor\b|\band\b)\s*{_AMOUNT})?+"
_ALL = r"(?:everything|all\s+(?:of\s+)?(?:it|my\s+(?:money|dollars)|the\s+money)|my\s+(?:entire|whole)\s+\w+)\b"
_NONE = r"(?:nothing|none(?:\s+of\s+(?:it|my\s+\w+))?|no\s+money)\b"
_WHAT = r"(?:donation|contribution|choice|answer|decision|amount|offer|claim|guess|number)"
_SMALLEST = r"(?:smallest|lowest|minimum|least)"
_ACCEPTED = r"\s+(?:that\s+)?I\s+(?:(?:would|will|can)\s+)?accept"
# The rules of a game mention a smallest number too, so it counts only if the reply presents it as its own.
_NAMED = (
    rf"(?:^(?:(?:my|the|final)\s+)*{_WHAT}(?:\s+{_WHAT})?"
    rf"|\bmy\s+(?:(?:final|acceptable|{_SMALLEST})\s+)*(?:{_WHAT}|minimum|threshold)(?:\s+{_WHAT})?(?:{_ACCEPTED})?"
    rf"|^(?:the\s+)?{_SMALLEST}\s+(?:acceptable\s+{_WHAT}|{_WHAT}{_ACCEPTED}))"
)
_GIVES = (
    r"(?:donat|contribut|giv|put(?:t)?|pay|invest|offer|choos|pick|select|claim|send|return|guess|propos|accept"
    r"|go(?:ing)?\s+with)(?:e|ing)?(?:\s+(?:in|back|the\s+number|at\s+least|(?:any|an|every)?\s*offers?\s+of(?:\s+at\s+least)?))?"
)
_WILL = (
    r"(?:(?:will|would|'ll|'d|shall|should|must|am|'m|going\s+to|like\s+to|want\s+to|decided?\s+to|have\s+decided\s+to"
    r"|have\s+chosen\s+to|choose\s+to|plan\s+to|intend\s+to|prefer\s+to|therefore|also|personally|probably|only)\s+)*"
)
_RULES = {
    "leading_amount": re.compile(
        rf"^(?P<said>{_AMOUNTS})(?=\s*(?:$|[.,:;!)\n]|[-–—]+\s|because\b|since\b|as\b|out\s+of\b|of\b))", re.I
    ),
    "labelled_amount": re.compile(
        rf"{_NAMED}(?:\s+to\s+the\s+\w+)?\s*"
        rf"(?:(?:is|would\s+be|will\s+be)\s*)?[:=]?\s*(?:to\s+)?(?:{_GIVES}\s+)?(?P<said>{_AMOUNTS})",
        re.I,
    ),
    "stated_amount": re.compile(
        rf"\bI(?:\s+|(?='))(?:{_WILL}){_GIVES}\s+(?:to\s+(?:{_GIVES})\s+)?(?P<said>{_AMOUNTS}|{_ALL}|{_NONE})", re.I
    ),
}


@dataclass(frozen=True)
class NumberReading:
    """outcome: one of OUTCOMES.

    rule: the rule that decided. amount: the number that was read; None for other outcomes.
    """

    outcome: str
    rule: str
    amount: int | None = None


def read_number(reply: Reply, choices: range) -> NumberReading:
    """Read the number that a reply names. choices: the allowed numbers; "everything" is the highest, "nothing" is 0."""
    text = plain_text(reply.text)
    if not text:
        return NumberReading("empty", "no_text")
    found = _statements(text, choices[-1])
    cut = reply.finish == "length"
    if cut and any(ends_reply for *_, ends_reply in found):
        return NumberReading("truncated", "cut_off")
    amounts = {amount for _, said, _ in found for amount in said}
    if len(amounts) > 1:
        return NumberReading("ambiguous", "differing_amounts")
    if amounts:
        (amount,) = amounts
        if amount.denominator != 1:
            return NumberReading("off_format", "not_whole")
        if int(amount) not in choices:
            return NumberReading("off_format", "out_of_range")
        return NumberReading("read", min((rule for rule, *_ in found), key=list(_RULES).index), int(amount))
    if cut:
        return NumberReading("truncated", "cut_off")
    return NumberReading(*(("refused", "refusal") if is_refusal(text) else ("off_format", "no_amount")))


def _statements(text: str, high: int) -> list[tuple[str, set[Fraction], bool]]:
    """For each statement: its rule, its amounts, and whether the reply ends right after them."""
    found = []
    parts = sentences(text)
    for number, sentence in enumerate(parts):
        for rule, pattern in _RULES.items():
            if rule == "leading_amount" and number > 0:
                continue
            for match in pattern.finditer(sentence):
                if is_asserted(sentence, match.start(), match.end()):
                    ends_reply = number == len(parts) - 1 and match.end() == len(sentence)
                    found.append((rule, _amounts(match["said"], high), ends_reply))
    return found


def _amounts(said: str, high: int) -> set[Fraction]:
    numbers = re.findall(_NUMBER, said, re.IGNORECASE)
    if not numbers:
        return {Fraction(high if re.fullmatch(_ALL, said, re.IGNORECASE) else 0)}
    return {_value(number.lower().replace(",", "").replace("−", "-")) for number in numbers}


def _value(number: str) -> Fraction:
    return Fraction(_WORDS.index(number) if number in _WORDS else number)
