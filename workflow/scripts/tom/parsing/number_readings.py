"""Reading a reply in a game in which players name a number: the number, or the reason why there is none.

An endpoint's reply that was withheld, or is a call of a tool, is not read (NO_REPLY in tom/parsing/outcomes.py). Else
the rules, in this order:

1. `in_reasoning`: the reply ends inside the model's reasoning → truncated.
2. `no_text`: only white space, markup and reasoning → empty.
3. `leading_amount` ("5. Since each dollar is multiplied"), `labelled_amount` ("My donation is 5") and `stated_amount`
   ("I would donate $7 of my 10 dollars"), in digits or words, or "nothing" and "everything": if all amounts agree →
   read, by the first of these rules that applies, unless the amount is `not_whole` or `out_of_range` → off_format. If
   they differ: `differing_amounts` → ambiguous. A range ("3 to 5") is two amounts, and so is one with a probability.
4. `cut_off`: the reply was truncated before an amount, or right after one that may have continued → truncated.
5. `refusal` → refused.
6. `no_amount` → off_format.

Amounts in a motivation, about other players, in a hypothetical case or with a negation are not statements
(tom/parsing/assertions.py).
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from tom.engines.interface import Reply
from tom.parsing.assertions import hide_quotations, is_asserted, is_mixed
from tom.parsing.outcomes import NO_REPLY
from tom.parsing.reply_text import is_refusal, plain_text, sentences, visible_text

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SPELLED_VALUES = (
    {word: value for value, word in enumerate(_ONES)}
    | {word: 10 * value for value, word in enumerate(_TENS, 2)}
    | {"hundred": 100, "thousand": 1000}
)
_WORD = rf"(?:{'|'.join(sorted(_SPELLED_VALUES, key=len, reverse=True))})\b"
_SPELLED = (
    rf"\b(?:a\s+(?=(?:hundred|thousand)\b))?{_WORD}(?:(?:\s+and)?[\s-]+{_WORD}){{0,6}}"
    r"(?!\s+(?:and\s+a\s+half|of\s+(?:these|those|them))\b)"
)
_DIGITS = r"(?<![\d.,])[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![.,]?\d)"
_NUMBER = rf"(?:{_DIGITS}|{_SPELLED})"
_CURRENCY = r"(?:(?:US\s?)?\$|€|£|(?:usd|eur)\b)"
_UNIT = rf"(?:\s*(?:{_CURRENCY}|dollars?|bucks|euros?|points?|tokens?|coins?|units?)(?!\w))?"
_TOTAL = (
    r"(?:(?:exactly|just|only|precisely|(?:a|the)\s+(?:total|sum|maximum|minimum)\s+of|all(?:\s+of)?(?:\s+my)?"
    r"|my|the)\s+)?(?:(?:entire|full|whole)\s+)?"
)
_AMOUNT = (
    rf"(?:{_CURRENCY}\s*)?{_NUMBER}{_UNIT}(?:\s*\(\s*{_CURRENCY}?\s*{_NUMBER}{_UNIT}\s*\){_UNIT})?"
    r"(?!\s*%|\s*percent|\s+times\b|\w)"
)
_AMOUNTS = rf"(?:(?:between|either|from)\s+)?{_TOTAL}{_AMOUNT}(?:\s*(?:[-–—/+]|\bto\b|\bor\b|\band\b)\s*{_AMOUNT})?+"
_ALL = (
    r"(?:everything|it\s+all|all(?:\s+in)?(?=[.!]*$)|all\s+(?:of\s+)?(?:it|my\s+(?:money|dollars)|the\s+money)"
    r"|(?:my|the)\s+(?:entire|whole|full)\s+\w+)\b"
)
_NONE = r"(?:nothing|none(?:\s+of\s+(?:it|my\s+\w+))?|no\s+(?:money|dollars?))\b"
_WHAT = r"(?:donation|contribution|choice|answer|decision|amount|offer|claim|guess|number|bid|pledge|transfer|request)"
_OF = r"(?:\s+(?:(?:of|for|as)\s+(?:(?:a|my|the)\s+)?)?)"
_SMALLEST = r"(?:smallest|lowest|minimum|least)"
_ACCEPTED = r"\s+(?:that\s+)?I\s+(?:(?:would|will|can)\s+)?accept"
_GIVES = (
    r"(?:donat|contribut|giv|put(?:t)?|pay|invest|offer|choos|pick|select|claim|send|return|guess|propos|accept|pledg|allocat"
    r"|add|chip|plac|spend|transfer|request|demand|bid|say|commit|name|shar|hand\s+over|part\s+with|decide\s+on|settle\s+on|go(?:ing)?\s+(?:with|for))(?:e|ing)?"
    r"(?:\s+(?:in|back|half,?|them|you|the\s+others?|the\s+number|at\s+least|(?:any|an|every)?\s*offers?\s+of(?:\s+at\s+least)?))?"
)
_WILL = (
    r"(?:(?:will|would|'ll|'d|'ve|have|shall|should|must|am|be|'m|going\s+to|like\s+to|want\s+to|decided?\s+to|have\s+decided\s+to"
    r"|have\s+chosen\s+to|choose\s+to|plan\s+to|intend\s+to|prefer\s+to|(?:willing|happy|glad|ready|prepared)\s+to|therefore"
    r"|also|personally|probably|only|simply|just|feel\s+(?:like|comfortable))\s+)*"
)
# The rules of a game mention a smallest number too, so it counts only if the reply presents it as its own.
_NAMED = (
    rf"(?:^[{{\"'\s]*(?:(?:my|a|the|final|chosen|total)\s+)*{_WHAT}(?:{_OF}{_WHAT})?(?:\s+of(?=\s)|\s+to\s+{_GIVES})?"
    rf"|\bmy\s+(?:(?:final|acceptable|chosen|own|total|planned|proposed|{_SMALLEST})\s+)*(?:{_WHAT}|minimum|threshold)"
    rf"(?:{_OF}{_WHAT})?(?:{_ACCEPTED})?"
    rf"|^(?:the\s+)?{_SMALLEST}\s+(?:acceptable\s+{_WHAT}|{_WHAT}{_ACCEPTED}))"
)
_PLAYER = r"(?:\bI|\blet\s+(?:me|us)|\blet(?='s))(?:\s+|(?='))(?:'s\s+)?"
_RULES = {
    "leading_amount": re.compile(
        r"^(?!\d+\)\s)(?:(?:hmm|well|so|okay|ok|sure|yes|half)[,.!:\s]+)*+[\"'(\[#]{0,3}"
        rf"(?:(?!\d+\s*/\s*\d+\s+of\b)(?P<said>{_AMOUNTS})[\"')\]]{{0,3}}"
        r"(?=\s*(?:$|[.:;!(\n]|,(?!\s*\$?\d)|[-–—]+\s|because\b|since\b|as\b|of\b|it\s+is\b|(?:seem|sound)s?\b|only\b|is\s+(?:fair|enough|right)\b|out\s+of\b"
        r"|(?:in)?to\s+the\b))"
        rf"|(?P<whole>{_ALL}|{_NONE})[.!]*$)",
        re.I,
    ),
    "labelled_amount": re.compile(
        rf"{_NAMED}(?:\s+(?:to\s+the\s+(?:common\s+)?|(?:for|in)\s+this\s+)\w+)?[\"']?\s*"
        rf"(?:(?:is|would\s+be|will\s+be)\s*)?[:=]?\s*(?:to\s+)?(?:{_GIVES}\s+)?[\"']?(?P<said>{_AMOUNTS}|{_ALL}|{_NONE})"
        rf"|\bthe\s+{_WHAT}\s+(?:that\s+)?I\s*{_WILL}{_GIVES}\s+(?:is|would\s+be|will\s+be)\s+(?P<given>{_AMOUNTS})"
        rf"|^(?P<first>{_AMOUNTS})\s+(?:is|would\s+be|will\s+be)\s+(?:my\s+(?:final\s+)?{_WHAT}|what\s+I\b)",
        re.I,
    ),
    "stated_amount": re.compile(
        rf"{_PLAYER}{_WILL}{_GIVES}\s*:?\s+(?:to\s+(?:{_GIVES})\s+)?(?P<said>{_AMOUNTS}|{_ALL}|{_NONE})"
        rf"|{_PLAYER}{_WILL}keep\s+(?:{_AMOUNTS}|{_NONE}|{_ALL})\s+(?:for\s+\w+\s+)?and\s+(?:I\s+)?{_WILL}{_GIVES}\s+(?P<rest>{_AMOUNTS})"
        rf"|,\s*so\s+(?P<so>{_AMOUNTS})[.!]*$"
        rf"|^{_GIVES}\s+(?P<ordered>{_AMOUNTS})(?=\s*(?:$|[.,:;!(]|because\b|since\b|as\b|(?:in)?to\s+the\b|(?:out\s+)?of\s+(?:my|the)\b))"
        rf"|{_PLAYER}(?:(?:would|will|do|could|can|shall)?\s*(?:not|n't)|won't|wo(?=n't))\s+{_GIVES}\s+(?P<no>any(?:thing|\s+money))\b",
        re.I,
    ),
}
_LISTED = re.compile(r"1[.)]\s.*?\s2[.)]\s", re.DOTALL)
# "180 + 5 = 185": the result stands for the sum.
_SUM = re.compile(rf"{_DIGITS}(?:\s*[-+*×x/÷−–]\s*{_DIGITS}){{1,6}}\s*=\s*(?={_CURRENCY}?\s*\d)")


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
    if reply.finish in NO_REPLY:
        return NumberReading(NO_REPLY[reply.finish], reply.finish)
    visible, unfinished = visible_text(reply.text)
    text = plain_text(visible)
    if unfinished:
        return NumberReading("truncated", "in_reasoning")
    if not text:
        return NumberReading("empty", "no_text")
    cut = reply.finish == "length"
    found = _statements(text, choices[-1])
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


def _statements(text: str, high: int) -> list[tuple[str, set[Fraction | None], bool]]:
    """For each statement: its rule, its amounts (one of them None in a draw), and whether the reply ends after them."""
    found = []
    parts = sentences(_SUM.sub("", hide_quotations(text)))
    for number, sentence in enumerate(parts):
        for rule, pattern in _RULES.items():
            if rule == "leading_amount" and (number > 0 or _LISTED.match(text)):
                continue
            for match in pattern.finditer(sentence):
                if match.lastgroup == "ordered" and number > 0:
                    continue
                if is_asserted(sentence, match.start(), match.end()):
                    ends_reply = number == len(parts) - 1 and match.end() == len(sentence)
                    amounts = _amounts(match[match.lastgroup], high)
                    if is_mixed(sentence, match.start(), match.end()):
                        amounts |= {None}
                    found.append((rule, amounts, ends_reply))
    return found


def _amounts(said: str, high: int) -> set[Fraction]:
    numbers = re.findall(_NUMBER, said, re.IGNORECASE)
    if not numbers:
        return {Fraction(high if re.fullmatch(_ALL, said, re.IGNORECASE) else 0)}
    return {_value(number.lower().replace(",", "").replace("−", "-")) for number in numbers}


def _value(number: str) -> Fraction:
    """The value of digits or of words such as "one hundred and twenty-five"."""
    if number[-1].isdigit():
        return Fraction(number)
    whole = group = 0
    for value in (_SPELLED_VALUES[word] for word in re.findall(_WORD, number)):
        if value < 100:
            group += value
        else:
            whole, group = (whole, (group or 1) * value) if value == 100 else (whole + (group or 1) * value, 0)
    return Fraction(whole + group)
