"""Replies as plain text, without reasoning and markup, split into sentences; and replies that refuse to choose."""

import re
import unicodedata

from tom.parsing.reasoning import reply_part

_WHAT = r"(?:answer|choice|response|preference|opinion|decision|recommendation|letter|number|amount)"
_VERB = (
    r"(?:choose|choosing|pick|decide|select|answer|respond|participate|take\s+part|engage|assist|help|comply|say|comment"
    r"|(?:play|join)(?=\s*(?:$|[.,;!]|(?:this|such|the|a|along)\b))|do\s+(?:that|this|so)"
    r"|make\s+(?:a|an|this|that|the|any|such)\s+(?:\w+\s+)?(?:choice|decision|selection)s?|make\s+decisions"
    rf"|(?:provide|give|offer|express|have)\s+(?:you\s+)?(?:(?:a|an|my|any|the)\s+)?(?:\w+\s+)?{_WHAT}s?)"
)
_REFUSAL = re.compile(
    r"\b(?:as\s+an?\s+(?:\w+\s+)?(?:ai|language\s+model)\b|(?:i\s+am|i'm)\s+(?:just\s+|only\s+)?an?\s+(?:\w+\s+)?"
    rf"(?:ai|language\s+model)\b|(?:can\s*not|can't|could\s+not|couldn't|will\s+not|won't|would\s+not|wouldn't|do\s+not"
    rf"|don't|prefer\s+not\s+to|rather\s+not|unable\s+to|not\s+able\s+to|not\s+going\s+to|not\s+willing\s+to"
    rf"|not\s+(?:be\s+)?appropriate\s+for\s+me\s+to)\s+(?:want\s+to\s+|wish\s+to\s+)?{_VERB}\b"
    r"|i\s+(?:\w+\s+){0,3}(?:refuse|decline|abstain)\b|(?:not|n't)\s+(?:feel\s+)?comfortable\b|no\s+comment\b)",
    re.IGNORECASE,
)
_NEITHER = re.compile(
    r"(?:^|\b(?:choose|pick|select|take)\s+)neither\b|^(?:i(?:'ll|\s+will)?\s+)?pass[.!]*$", re.IGNORECASE
)


def is_refusal(text: str, options: tuple[str, ...] = ()) -> bool:
    """Whether a plain text declines to answer or says that its author is an AI.

    options: the labels of the options; rejecting one of them ("I will not choose C") is not a refusal.
    """
    named = "|".join(map(re.escape, options))
    of_option = re.compile(rf"\s+(?:to\s+)?(?:\w+\s+)?(?:option\s+|action\s+)?(?:{named})\b", re.IGNORECASE)
    refusals = (match.end() for match in _REFUSAL.finditer(text))
    return bool(_NEITHER.search(text)) or any(not (options and of_option.match(text, end)) for end in refusals)


_CHARACTERS = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "«": '"', "»": '"', "。": ".", "、": ",", "\u2028": "\n", "\u2029": "\n"}
)
# Full-width, circled and mathematical letters and digits. Of superscripts and fractions NFKC would make other numbers.
_STYLED = re.compile("[\uff01-\uff5e\u24b6-\u24e9\U0001d400-\U0001d7ff]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_CROSSED_OUT = re.compile(
    r"^[ \t]*(?:[❌✗✘🚫⬜☐]|[-*+][ \t]+\[ ?\](?=.*(?:\n.*){0,3}\[[xX]\])|~~)[^\n]*$", re.MULTILINE
)
_SYMBOL = re.compile("[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]|(?<=[-*+] )\\[[xX]\\](?= \\w)")
_LATEX = re.compile(
    r"\\(?:boxed|fbox|text(?:bf|it|rm|tt|sf)?|math(?:bf|it|rm|sf|tt|cal)|mbox|emph|underline|operatorname)\s*\{([^{}]*)\}"
)
_MATHS = re.compile(r"\\[()\[\]]|\\(?=\$)")
_DOLLARS = re.compile(r"\$\$?\s?(\w{1,20}[.!]?)\s?\$\$?(?!\d)")
_ANSWER_TAG = re.compile(
    r"<(/?)(?:final_)?(?:answer|choice|decision|response|letter|number|output|final)>\s*", re.IGNORECASE
)
_HTML = re.compile(r"</?(?:br|em|strong|div|span|code|li|ul|ol|h[1-6])\s*/?>|<([biup])>([^<>]*)</\1>", re.IGNORECASE)
_EMPHASIS = re.compile(r"[*`]+|~~|(?<!\w)_+|_+(?!\w)")
_LINE_MARK = re.compile(r"^[ \t]*(?:(?:>|#+|[-+•→])(?:[ \t]+|$))+", re.MULTILINE)
_SPEAKER = re.compile(r"^\s*(?:(?:assistant|user|ai|bot|me)\s*:\s*)+", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?;])(?<![eE]\.g\.)(?<![iI]\.e\.)\s+|\s*\n\s*")
_LONGEST = 800
"""Characters. A longer sentence keeps its beginning and its end, so that time grows with a text's length alone."""


def visible_text(text: str) -> tuple[str, bool]:
    """The reply without reasoning, control tokens and invisible characters; and whether it ends inside the reasoning.

    Quotes are straight, letters and digits of every style are plain ones, and white space is single.
    """
    text, unfinished = reply_part(_INVISIBLE.sub("", text))
    text = _STYLED.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text.translate(_CHARACTERS))
    text = re.sub(r" ?\n\s*", "\n", re.sub(r"[^\S\n]+", " ", text))
    return re.sub(r"([^\w\s]|_)\1{7,}", r"\1" * 7, text).strip(), unfinished


def plain_text(visible: str) -> str:
    """A visible text without symbols, Markdown, LaTeX, tags and a leading speaker name, and stripped.

    What an answer tag holds stands behind "Answer: ".
    """
    text = _SYMBOL.sub(" ", _CROSSED_OUT.sub("", visible))
    for _ in range(3):  # \boxed{\textbf{\text{C}}}
        text = _LATEX.sub(r"\1", text)
    text = _DOLLARS.sub(r"\1", _MATHS.sub(" ", text))
    text = _HTML.sub(r" \2 ", _ANSWER_TAG.sub(lambda tag: "\n" if tag[1] else "\nAnswer: ", text))
    text = _LINE_MARK.sub("", _EMPHASIS.sub("", text))
    return _SPEAKER.sub("", re.sub(r"[^\S\n]+", " ", text)).strip()


def sentences(text: str) -> list[str]:
    """The sentences of a text, also split at semicolons and line breaks; none is empty.

    Of a sentence of more than 800 characters the middle is left out.
    """
    parts = (part for part in _SENTENCE_END.split(text) if part.strip())
    half = _LONGEST // 2
    return [part if len(part) <= _LONGEST else f"{part[:half]} ... {part[-half:]}" for part in parts]
