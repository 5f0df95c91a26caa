"""Finding the phrases in which a player states its choice, and the options that each names."""

import re
from dataclasses import dataclass
from functools import cache

from tom.parsing.assertions import is_asserted
from tom.parsing.reply_text import sentences

_NOUN = r"(?:(?:the\s+)?(?:option|action|choice|letter|strategy|move|answer)\s+)"
_ADVERBS = (
    r"(?:(?:also|still|therefore|thus|hence|so|then|now|definitely|certainly|probably|likely|personally|simply|just"
    r"|rather|always|actually|honestly|ultimately|finally|gladly|happily|most|very|strongly|absolutely|surely)\s+)*"
)
_MODALS = (
    rf"(?:(?:will|would|'ll|'d|shall|should|must|do|am|'m|have|'ve|going\s+to|like\s+to|want\s+to|need\s+to|have\s+to"
    rf"|inclined\s+to|plan\s+to|intend\s+to|decided?\s+to|choose\s+to|chosen\s+to|prefer\s+to)\s+{_ADVERBS})*"
)
_CHOOSE = r"(?:choose|pick|select|play|take|go\s+(?:with|for)|opt\s+for)"
_CHOOSES = (
    rf"(?:{_CHOOSE}|chose|chosen|choosing|picked|picking|selected|selecting|going\s+(?:with|for)|opting\s+for|playing"
    r"|prefer|vote(?:\s+for)?|settle\s+(?:on|for)|decided?\s+(?:on|for)|stick(?:ing)?\s+with)"
)
_SAYS = r"(?:say|answer|go)"
_WHAT = r"(?:choice|letter|answer|decision|selection|pick|move|action|option|response|preference|vote|strategy)"
_OWN = r"(?:(?:own|final|first|preferred|personal|best|chosen|single)\s+)*"
_IS = rf"(?:is|would\s+be|will\s+be|remains)\s*:?\s+{_ADVERBS}(?:to\s+)?(?:{_CHOOSE}\s+)?"
_BEST = r"(?:best|better|optimal|rational|most\s+rational|safest|safer|dominant|right|wisest|logical)"
_WHEN = r"(?:\s+(?:here|for\s+me|in\s+th(?:is|e)\s+(?:\w+\s+)?(?:game|case|situation|scenario|round)))*"
_ENDS = (
    r"(?=\s*(?:$|[.,:;!](?!\w)|[)(\]}–—-]|because\b|since\b|as\b|for\b|over\b|and\b|in\s+th|here\b"
    r"|with\s+(?:the|them|my|him|her)\b))"
)
_OPENS = r"(?:(?:and|so|therefore|thus|hence|then|overall|finally|conclusion|sure|okay|ok|well|yes)\b[\s,:.!]*)?"

RULES = ("letter_alone", "labelled", "leading_letter", "stated_choice", "judged_best")
"""From the strongest to the weakest. `judged_best` ("the best choice is C") is an opinion, not yet a choice."""


@dataclass(frozen=True)
class Statement:
    """One phrase that states a choice.

    rule: one of RULES. options: those that it names; "I choose C or D" names two. sentence: its index in the reply.
    """

    rule: str
    options: frozenset[str]
    sentence: int
    in_last_sentence: bool


@cache
def _option(options: tuple[str, str]) -> tuple[str, str]:
    """Two patterns: of a single option, and of the options named in a phrase, one or several."""
    names = []
    for option in options:
        if len(option) > 1:
            names.append(rf"(?ai:{re.escape(option)})")
        elif option.isalpha():
            # In an all-caps reply such as "I CHOOSE A FAIR DEAL", A is an article.
            article = r"(?!\s+(?!(?:because|since|as|for|over|and|or|in|to|with)\b)\w)" if option in "AI" else ""
            names.append(rf"(?-i:{re.escape(option)}){article}")
        else:
            names.append(re.escape(option))
    one = rf"[\"'(\[{{<]{{0,4}}(?<![\w°-])(?:{'|'.join(names)})(?!\w|['-]\w)[\"')\]}}>]{{0,4}}"
    joined = rf"\s*(?:/|&|\bor\b|\band\b|,\s*(?:or|and)\b)\s*(?:{_NOUN}?{one})"
    comma = rf"\s*,?\s*{one}(?=\s*(?:$|[.,!\n]|or\b|and\b))"
    return one, rf"(?:(?:both|either)\s+)?{_NOUN}?(?:the\s+)?(?P<named>{one}(?:{joined}|{comma})*+)"


@cache
def _patterns(options: tuple[str, str]) -> dict[str, list[re.Pattern]]:
    _, named = _option(options)
    words = "|".join(rf"(?ai:{re.escape(option)})" for option in options if len(option) > 1)
    stated = [
        rf"\bI(?:\s+|(?='))(?:{_ADVERBS}){_MODALS}{_CHOOSES}\s+{_ADVERBS}(?:to\s+)?(?:{_CHOOSE}\s+)?:?\s*{named}",
        rf"\bI(?:\s+|(?='))(?:{_ADVERBS}){_MODALS}{_SAYS}\s+:?\s*{named}{_ENDS}",
        rf"\b(?:my\s+{_OWN}{_WHAT}|the\s+(?:final\s+)?(?:answer|choice|decision)){_WHEN}\s+{_IS}{named}",
        rf"(?:\bthe\s+{_WHAT}|\bwhat)\s+(?:that\s+)?I(?:\s+|(?=')){_ADVERBS}{_MODALS}{_CHOOSES}\s+{_IS}{named}",
        rf"\blet(?:'s|\s+me|\s+us)\s+{_CHOOSE}\s+{named}",
        rf"{named}\s+(?:is|would\s+be|will\s+be)\s+{_ADVERBS}(?:my\s+{_OWN}{_WHAT}\b"
        rf"|(?:the\s+{_WHAT}|what)\s+(?:that\s+)?I(?:'d|'ll|\s+would|\s+will)?\s+(?:{_CHOOSES}|make)\b)",
    ]
    if words:
        stated.append(rf"\bI(?:\s+|(?='))(?:{_ADVERBS}){_MODALS}(?P<named>(?<![\w-])(?:{words})(?!\w|['-]\w)){_ENDS}")
    label = rf"(?:(?:my|the|final|chosen|selected)\s+)*(?:{_WHAT}|choose|final)"
    sources = {
        "letter_alone": [rf"^{_OPENS}{named}[.;!\"')\]}}]*$"],
        "labelled": [
            rf"(?:^|(?<=[.!?;,{{\n]))\s*\"?{_OPENS}{label}\"?\s*(?:is\s*)?(?:[:=→–—-]|->|=>)+\s*(?:to\s+)?{named}{_ENDS}"
        ],
        "leading_letter": [
            rf"^{_OPENS}{named}(?=\s*(?:$|[.,:;!](?!\w)|[)(]|[–—-]+\s|because\b|since\b|as\b"
            rf"|I\s+(?:would|will|choose|think|believe|want|trust|prefer|am)\b|I'))"
        ],
        "stated_choice": stated,
        "judged_best": [
            rf"\bthe\s+{_BEST}\s+(?:\w+\s+)?{_WHAT}{_WHEN}\s+{_IS}{named}{_ENDS}",
            rf"{named}\s+(?:is|would\s+be|seems|seems\s+to\s+be)\s+{_ADVERBS}the\s+{_BEST}\s+(?:\w+\s+)?{_WHAT}\b{_WHEN}"
            r"(?!\s+for\b)",
        ],
    }
    return {rule: [re.compile(source, re.IGNORECASE) for source in found] for rule, found in sources.items()}


def _named_options(named: str, options: tuple[str, str]) -> frozenset[str]:
    one, _ = _option(options)
    texts = (match.strip("\"'()[]{}<>").casefold() for match in re.findall(one, named, re.IGNORECASE))
    by_name = {option.casefold(): option for option in options}
    return frozenset(by_name[text] for text in texts)


@cache
def _markup_of_letters(options: tuple[str, str]) -> list[tuple[re.Pattern, str]]:
    """Patterns of lower-case labels in brackets, quotes, emphasis or after `choice:`, and their replacements."""
    opening, closing = r"(?<![\w'*_`])[\"'(\[{<*_`]+", r"[\"')\]}>*_`]+(?![\w'])"
    return [
        (re.compile(rf"({before}){option.lower()}({after})", re.IGNORECASE), rf"\g<1>{option}\g<2>")
        for option in options
        if len(option) == 1 and option.isalpha()
        for before, after in ((opening, closing), (rf"\b{_WHAT}\W*[:=]\W*", r"\W*(?:\n|$)"))
    ]


def capitalise_marked_letters(text: str, options: tuple[str, str]) -> str:
    """`I choose (c)` → `I choose (C)`, and a whole reply `c.` → `C.`. Other lower-case letters stay as they are."""
    for pattern, capital in _markup_of_letters(options):
        text = pattern.sub(capital, text)
    if len(letters := re.findall(r"\w+", text)) == 1 and letters[0].upper() in options:
        text = text.upper()
    return text


def find_statements(text: str, options: tuple[str, str]) -> list[Statement]:
    """All statements of a choice in a plain text, in the order of the sentences.

    Not choices: a pair such as `(C, D)`, which is an outcome; a list such as `C: 3 points, D: 5 points`; and headings.
    """
    one, _ = _option(options)
    text = re.sub(rf"\(\s*{one}\s*[,/]\s*{one}\s*\)", "(pair)", text, flags=re.IGNORECASE)
    text = re.sub(rf":\s*\n\s*(?={one}[.!]*\s*(?:\n|$))", ": ", text, flags=re.IGNORECASE)
    described = re.findall(rf"(?:^|(?<=[\n,;.]))\s*{_NOUN}?({one})\s*[:=)]", text, re.IGNORECASE)
    lists_options = len(_named_options(" ".join(described), options)) > 1
    parts = sentences(text)
    headings = [re.fullmatch(rf"{_NOUN}({one})", part, re.IGNORECASE) for part in parts]
    headed = _named_options(" ".join(heading[1] for heading in headings if heading), options)
    found = []
    for number, sentence in enumerate(parts):
        if headings[number] and (len(headed) > 1 or 0 < number < len(parts) - 1):
            continue
        for rule, match in _matches(sentence, options):
            if rule == "leading_letter" and (number > 0 or lists_options):
                continue
            if is_asserted(sentence, match.start(), match.end("named")):
                found.append(Statement(rule, _named_options(match["named"], options), number, number == len(parts) - 1))
    return found


def _matches(sentence: str, options: tuple[str, str]) -> list[tuple[str, re.Match]]:
    patterns = _patterns(options).items()
    return [(rule, match) for rule, sources in patterns for source in sources for match in source.finditer(sentence)]
