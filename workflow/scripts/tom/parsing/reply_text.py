"""Replies as plain text, without markup, and split into sentences."""

import re

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
