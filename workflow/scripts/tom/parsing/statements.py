"""Finding the phrases in which a player states its choice, and the options that each names."""

import re
from dataclasses import dataclass
from functools import cache

from tom.parsing.assertions import hide_quotations, is_asserted, is_decided, is_mixed
from tom.parsing.reply_text import sentences

_NOUN = r"(?:(?:the\s+)?(?:option|action|choice|letter|strategy|move|answer)\s+)"
_ADVERBS = (
    r"(?:(?:also|still|therefore|thus|hence|so|then|now|definitely|certainly|probably|likely|personally|simply|just"
    r"|rather|always|actually|honestly|ultimately|finally|gladly|happily|hereby|once\s+again|again|most|very|strongly|absolutely|surely)\s+)*"
)
_MODALS = (
    rf"(?:(?:will|would|'ll|'d|shall|should|must|do|am|'m|have|'ve|going\s+to|like\s+to|want\s+to|need\s+to|have\s+to"
    rf"|inclined\s+to|plan\s+to|intend\s+to|decided?\s+to|choose\s+to|chosen\s+to|prefer\s+to)\s+{_ADVERBS})*"
)
_CHOOSE = r"(?:choose|pick|select|play|take|go\s+(?:with|for)|opt\s+for)"
_CHOOSES = (
    rf"(?:{_CHOOSE}|chose|chosen|choosing|picked|picking|selected|selecting|going\s+(?:with|for)|playing"
    r"|taking|opt(?:ing|ed)\s+for|prefer|vote(?:\s+for)?|settl(?:e|ing|ed)\s+(?:on|for)|decided?\s+(?:on|for)|stick(?:ing)?\s+with)"
)
_I = r"\bI(?:\s+|(?=')|,[^,.;:]{1,40},\s+)"
_SAYS = r"(?:say|answer|go)"
_WHAT = r"(?:choice|letter|answer|decision|selection|pick|move|action|option|response|preference|vote|strategy)"
_OWN = r"(?:(?:own|final|preferred|personal|chosen|single)\s+)*"
_IS = rf"(?:is|would\s+be|will\s+be|remains)\s*:?\s+{_ADVERBS}(?:to\s+)?(?:{_CHOOSE}\s+)?"
_BEST = r"(?:best|correct|better|optimal|rational|most\s+rational|safest|safer|dominant|right|wisest|logical)"
_WHEN = r"(?:\s+(?:here|for\s+me|in\s+th(?:is|e)\s+(?:\w+\s+)?(?:game|case|situation|scenario|round)))*"
_ENDS = (
    r"(?=\s*(?:$|[.,:;!](?!\w)|[)(\]}–—-]|because\b|since\b|as\b|for\b|over\b|and\b|in\s+th|here\b"
    r"|with\s+(?:the|them|my|him|her)\b))"
)
_OPENS = (
    r"(?:(?:and|so|therefore|thus|hence|then|overall|finally|conclusion|sure|okay|ok|well|yes|hmm|definitely|certainly"
    r"|obviously|clearly|absolutely|of\s+course)\b[\s,:.!]*)?"
)
_TURNS = (
    r"(?:(?:no|wait|actually|sorry|hold\s+on|correction|scratch\s+that|or\s+rather|on\s+second\s+thoughts?)\b"
    r"[\s,.:!-]*)+"
)
# What a letter means, before the letter: "Cooperate (C)".
_MEANING = (
    r"(?:(?:to\s+)?(?:cooperat|defect|collaborat|betray|shar|keep|trust|hunt|swerv|compet|help|attack)\w*\s+(?=\())"
)

RULES = ("letter_alone", "labelled", "leading_letter", "stated_choice", "judged_best")
"""From the strongest to the weakest. `judged_best` ("the best choice is C") is an opinion, not yet a choice."""


@dataclass(frozen=True)
class Statement:
    """One phrase that states a choice.

    rule: one of RULES. options: those that it names; "I choose C or D" names two. sentence: its index in the reply.
    phrase: its words. weighed_last: whether no later sentence names an option or begins with a contrast ("But").
    decided: whether it says what will be chosen, or concludes, and not only what would be.
    contrasted: whether something is held against it, in its sentence or later.
    """

    rule: str
    options: frozenset[str]
    sentence: int
    in_last_sentence: bool
    phrase: str
    weighed_last: bool
    decided: bool
    contrasted: bool


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
    shown = rf"{_MEANING}?{one}" if all(len(option) == 1 for option in options) else one
    joined = rf"\s*(?:/|&|\bor\b|\band\b|,\s*(?:or|and)\b)\s*(?:{_NOUN}?{one})"
    comma = rf"\s*,?\s*{one}(?=\s*(?:$|[.,!\n]|or\b|and\b))"
    return one, rf"(?:(?:both|either)\s+)?{_NOUN}?(?:the\s+)?(?P<named>{shown}(?:{joined}|{comma}){{0,3}}+)"


@cache
def _patterns(options: tuple[str, str]) -> dict[str, list[re.Pattern]]:
    _, named = _option(options)
    words = "|".join(rf"(?ai:{re.escape(option)})" for option in options if len(option) > 1)
    stated = [
        rf"{_I}{_ADVERBS}{_MODALS}{_CHOOSES}(?:\s*:)?\s+{_ADVERBS}(?:to\s+)?(?:{_CHOOSE}\s+)?{named}",
        rf"{_I}{_ADVERBS}{_MODALS}{_SAYS}(?:\s*:)?\s+{named}{_ENDS}",
        rf"\b(?:(?:my|our)\s+{_OWN}{_WHAT}|the\s+(?:final\s+)?(?:answer|choice|decision|letter)){_WHEN}\s+{_IS}"
        rf"(?:(?:clear|simple|obvious|easy)\s*[:,–—-]+\s*)?{named}",
        rf"(?:\bthe\s+{_WHAT}|\bwhat)\s+(?:that\s+)?I(?:\s+|(?=')){_ADVERBS}{_MODALS}(?:{_CHOOSES}|make)\s+{_IS}{named}",
        rf"\blet(?:'s|\s+me|\s+us)\s+{_CHOOSE}\s+{named}",
        rf"{named}\s+(?:is|would\s+be|will\s+be)\s+{_ADVERBS}(?:my\s+{_OWN}{_WHAT}\b"
        rf"|(?:the\s+(?:{_WHAT}|one)|what)\s+(?:that\s+)?I(?:'d|'ll|\s+would|\s+will)?\s+(?:{_CHOOSES}|make)\b)",
    ]
    stated += [rf"^{_OPENS}(?:it's|it\s+is)\s+{named}[.!]*$", rf"^{_TURNS}{named}[.!]*$"]
    stated.append(rf"^{_OPENS}{named}\s+it\s+is(?:\s+for\s+me|\s+then)?[.!]*$")
    if not words:
        stated.append(rf"{_I}{_ADVERBS}{_MODALS}(?={_MEANING}){named}")
    else:
        stated.append(rf"{_I}{_ADVERBS}{_MODALS}(?P<named>(?<![\w-])(?:{words})(?!\w|['-]\w)){_ENDS}")
    label = (
        r"(?:here(?:'s|\s+is)\s+)?(?:(?:my|the|own|final|initial|chosen|selected|recommended|preferred|rational|optimal|best|overall|ultimate)\s+)*"
        rf"(?:{_WHAT}(?:\s+chosen)?|choose|final|verdict|conclusion|output|result|reply)"
    )
    sources = {
        "letter_alone": [rf"^{_OPENS}{named}[.;!\"')\]}}]*$"],
        "labelled": [
            rf"(?:^|(?<=[.!?;,{{\n]))\s*\"?{_OPENS}{label}\"?\s*(?:is\s*)?(?:[:=→–—-]|->|=>)+\s*(?:to\s+)?{named}{_ENDS}"
        ],
        "leading_letter": [
            rf"^{_OPENS}{named}(?=\s*(?:$|[.,:;!](?!\w)|[])([]|[–—-]+\s|=\s*[a-z]|because\b|since\b|as\b|of\s+course\b"
            r"|obviously\b|definitely\b|it\s+is\b|(?-i:(?:We|My|They|This|The|It|Our|As|Because|Since|If)\s)"
            r"|for\s+(?:me|now|this|cooperat\w+|defect\w+|\w+\s+(?:points?|dollars?))\b"
            r"|I\s+(?:would|will|choose|think|believe|want|trust|prefer|am|don't|do|can|cannot|can't|have|know|value|feel|hope|see)\b|I'))",
            rf"^{_OPENS}(?:{_CHOOSE}|choosing|picking|going\s+with)(?:\s*:)?\s+{named}{_ENDS}",
        ],
        "stated_choice": stated,
        "judged_best": [
            rf"\b(?:the|my)\s+(?:own\s+)?{_BEST}\s+(?:\w+\s+)?{_WHAT}{_WHEN}\s+{_IS}{named}{_ENDS}",
            rf"\bI\s+(?:think|believe|say)\s+(?:that\s+)?{named}(?:\s+is\s+(?:the\s+)?(?:best|better|right))?[.!]*$",
            rf"{named}\s+(?:is|would\s+be|seems|seems\s+(?:to\s+be|like))\s+{_ADVERBS}(?:the|my)\s+{_BEST}\s+(?:\w+\s+)?{_WHAT}\b{_WHEN}"
            r"(?!\s+(?:for|to|against|when)\b)",
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
    begins = r"(?=\s*(?:[–—-]+\s|\)|[.:;](?:\s|$)|because\b|since\b))"
    opening, closing = r"(?<![\w'*_`])[\"'(\[{<*_`]+", r"[\"')\]}>*_`]+(?![\w'])"
    return [
        (re.compile(rf"({before}){option.lower()}({after})", re.IGNORECASE), rf"\g<1>{option}\g<2>")
        for option in options
        if len(option) == 1 and option.isalpha()
        for before, after in (
            (opening, closing),
            (rf"(?<![^\W_]){_WHAT}\W{{0,9}}[:=]\W{{0,9}}", r"[\W_]*(?:\n|$)"),
            (r"\A\W*", begins),
        )
    ]


def capitalise_marked_letters(text: str, options: tuple[str, str]) -> str:
    """`I choose (c)` → `I choose (C)`, and a whole reply `c.` → `C.`. Other lower-case letters stay as they are."""
    for pattern, capital in _markup_of_letters(options):
        text = pattern.sub(capital, text)
    if len(letters := re.findall(r"\w+", text)) == 1 and letters[0].upper() in options:
        text = text.upper()
    return text


_CONCESSION = re.compile(
    r"\b(?:although|though|whereas|while|for\s+(?:both|everyone|each|us|them|the\s+(?:two|other|group))\b)",
    re.IGNORECASE,
)
_CONTRAST = re.compile(
    rf"{_CONCESSION.pattern}|\b(?:but|however|yet|nevertheless|on\s+the\s+other\s+hand)\b", re.IGNORECASE
)
_BEGINS_WITH_CONTRAST = re.compile(rf"\W*(?:{_CONTRAST.pattern})", re.IGNORECASE)


def find_statements(text: str, options: tuple[str, str]) -> list[Statement]:
    """All statements of a choice in a plain text, in the order of the sentences.

    Not choices: a pair such as `(C, D)`, which is an outcome; a list such as `C: 3 points, D: 5 points`; and headings.
    """
    one, _ = _option(options)
    text = re.sub(rf"\(\s*{one}\s*[,/]\s*{one}\s*\)", "(pair)", text, flags=re.IGNORECASE)
    text = re.sub(rf":\s*\n\s*(?={one}[.!]*\s*(?:\n|$))", ": ", text, flags=re.IGNORECASE)
    text = hide_quotations(text)
    described = re.findall(rf"(?:^|(?<=[\n,;.]))\s*{_NOUN}?({one})\s*(?:[:=)]|for\s+\w+\s+points)", text, re.IGNORECASE)
    lists_options = len(_named_options(", ".join(described), options)) > 1
    parts = sentences(text)
    headings = [re.fullmatch(rf"{_NOUN}({one})", part, re.IGNORECASE) for part in parts]
    headed = _named_options(" ".join(heading[1] for heading in headings if heading), options)
    found, named = [], re.compile(one, re.IGNORECASE)
    one_and_other = re.compile(
        rf"[^.;]{{0,80}}?(?:,|\band|\bor)\s+{one}\s+(?:to|if|when|otherwise|with|against|for)\b", re.I
    )
    weighed = (number for number, part in enumerate(parts) if named.search(part) or _BEGINS_WITH_CONTRAST.match(part))
    last_weighed = max(weighed, default=-1)
    last_contrast = max((number for number, part in enumerate(parts) if _CONTRAST.search(part)), default=-1)
    for number, sentence in enumerate(parts):
        heads = headings[number] and (len(headed) > 1 or 0 < number < len(parts) - 1)
        if heads or not named.search(sentence):
            continue
        for rule, match in _matches(sentence, options):
            half_bracket = match["named"].count("(") > match["named"].count(")")  # of "Cooperating (C) is risky"
            if rule == "leading_letter" and (number > 0 or lists_options or half_bracket):
                continue
            if is_asserted(sentence, match.start(), match.end()):
                draw = is_mixed(sentence, match.start(), match.end("named")) or one_and_other.match(
                    sentence, match.end("named")
                )
                found.append(
                    Statement(
                        rule=rule,
                        options=frozenset(options) if draw else _named_options(match["named"], options),
                        sentence=number,
                        in_last_sentence=number == len(parts) - 1,
                        phrase=match[0],
                        weighed_last=number == last_weighed,
                        decided=is_decided(sentence, match.start(), match.end()),
                        contrasted=number < last_contrast
                        or bool(
                            _CONTRAST.search(sentence, match.end()) or _CONCESSION.search(sentence[: match.start()])
                        ),
                    )
                )
    return found


def is_distribution(text: str, options: tuple[str, str]) -> bool:
    """Whether a plain text gives each option a share: `C: 30%, D: 70%`, `{"C": 0.3, "D": 0.7}`, `30% C, 70% D`."""
    one, _ = _option(options)
    number = r"(?<![\d.])(\d{1,3}(?:\.\d{1,9})?)\s*(%?)"
    behind = rf"({one})\W{{0,4}}[:=(]\W{{0,3}}{number}(?!\s*(?:points?|dollars?)\b)"
    shares = [found.groups() for found in re.finditer(behind, text, re.IGNORECASE)]
    shares += [(name, *share) for *share, name in re.findall(rf"{number}\s*(?<=%)\s*({one})", text, re.IGNORECASE)]
    if len(_named_options(", ".join(name for name, *_ in shares), options)) < 2:
        return False
    return any(percent for *_, percent in shares) or sum(float(share) for _, share, _ in shares) in (1, 100)


def _matches(sentence: str, options: tuple[str, str]) -> list[tuple[str, re.Match]]:
    patterns = _patterns(options).items()
    return [(rule, match) for rule, sources in patterns for source in sources for match in source.finditer(sentence)]
