"""Replies as plain text, without markup, split into sentences; and replies that refuse to choose."""

import re

_VERB = (
    r"(?:choose|pick|decide|select|answer|respond|participate|take\s+part|engage|assist|help|comply"
    r"|make\s+(?:a|an|this|that|the|any|such)\s+(?:\w+\s+)?(?:choice|decision|selection)"
    r"|(?:provide|give)\s+(?:you\s+)?(?:a|an|my|any|the)\s+(?:\w+\s+)?(?:answer|choice|response))"
)
_REFUSAL = re.compile(
    r"\b(?:as\s+an?\s+(?:\w+\s+)?(?:ai|language\s+model)\b|(?:i\s+am|i'm)\s+(?:just\s+|only\s+)?an?\s+(?:\w+\s+)?"
    rf"(?:ai|language\s+model)\b|(?:can\s*not|can't|could\s+not|couldn't|will\s+not|won't|would\s+not|wouldn't|do\s+not"
    rf"|don't|prefer\s+not\s+to|rather\s+not|unable\s+to|not\s+able\s+to|not\s+comfortable|not\s+going\s+to"
    rf"|not\s+willing\s+to|not\s+appropriate\s+for\s+me\s+to)\s+(?:want\s+to\s+|wish\s+to\s+)?{_VERB}\b"
    r"|i\s+(?:\w+\s+){0,3}(?:refuse|decline|abstain)\b|not\s+comfortable\s+(?:choosing|making|answering|with))",
    re.IGNORECASE,
)
_NEITHER = re.compile(r"(?:^|\b(?:choose|pick|select|take)\s+)neither\b", re.IGNORECASE)


def is_refusal(text: str, options: tuple[str, ...] = ()) -> bool:
    """Whether a plain text declines to answer or says that its author is an AI.

    options: the labels of the options; rejecting one of them ("I will not choose C") is not a refusal.
    """
    named = "|".join(map(re.escape, options))
    of_option = re.compile(rf"\s+(?:to\s+)?(?:\w+\s+)?(?:option\s+|action\s+)?(?:{named})\b", re.IGNORECASE)
    refusals = (match.end() for match in _REFUSAL.finditer(text))
    return bool(_NEITHER.search(text)) or any(not (options and of_option.match(text, end)) for end in refusals)


_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "«": '"', "»": '"', "\u00a0": " "})
_LATEX = re.compile(r"\\(?:boxed|text|textbf|mathbf|mathrm)\{([^{}]*)\}")
_EMPHASIS = re.compile(r"[*`]+|~~|(?<!\w)_+|_+(?!\w)")
_LINE_MARK = re.compile(r"^[ \t]*(?:(?:>|#+|[-+•])(?:[ \t]+|$))+", re.MULTILINE)
_SPEAKER = re.compile(r"^\s*(?:(?:assistant|user|ai|bot|me)\s*:\s*)+", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\s*\n\s*")


def plain_text(text: str) -> str:
    """The text without Markdown, LaTeX boxes and a leading speaker name, with straight quotes, and stripped."""
    text = _LATEX.sub(r"\1", text.translate(_QUOTES))
    text = _EMPHASIS.sub("", text)
    return _SPEAKER.sub("", _LINE_MARK.sub("", text)).strip()


def sentences(text: str) -> list[str]:
    """The sentences of a text, also split at semicolons and line breaks; none is empty."""
    return [part for part in _SENTENCE_END.split(text) if part.strip()]
