"""A server's answer to a request for a chat completion: what is kept of it, or why it can't be used, in its own words.

Required are the choices, each with a text and a known reason why it ended. Counts of tokens and log-probabilities are
optional: without them, or with ones that can't be used, the replies are kept all the same.
"""

import json
import math
import re
from dataclasses import asdict, astuple
from typing import Any

from tom.engines.endpoint import Usage

ENDS = {
    # A natural end, by OpenAI, Text Generation Inference, Together and Anthropic.
    **dict.fromkeys(("stop", "eos_token", "eos", "end_turn"), "stop"),
    # Cut off, by OpenAI, Gemini and Mistral.
    **dict.fromkeys(("length", "max_tokens", "model_length"), "length"),
    # Withheld, by OpenAI and Gemini.
    **dict.fromkeys(("content_filter", "safety", "recitation", "prohibited_content", "blocklist"), "content_filter"),
    **dict.fromkeys(("tool_calls", "function_call"), "tool_calls"),
}
"""A server's `finish_reason`, in lower case → a reply's finish (tom/parsing/outcomes.py).

With any other (error, abort, null, …) nothing is kept.
"""
MOST_TOKENS = 2**31 - 1
"""A larger count is a mistake, and would not fit a shard's column."""
READ_PARTS = ("text", "output_text")
# What a model says to itself is no part of its reply.
SKIPPED_PARTS = ("thinking", "reasoning", "redacted_thinking")


class NoAnswer(Exception):
    """A try that brought nothing to keep. status: of HTTP, if an answer or its error object has one; code: an error's.

    retry_after: what the server asks for, as in its header.
    """

    def __init__(self, words: str, status: int | None = None, code: Any = None, retry_after: str = ""):
        super().__init__(words)
        self.status, self.code, self.retry_after = status, code, retry_after


def read_answer(content: bytes) -> dict:
    """What is kept of a chat completion: texts and finishes, the first token's alternatives, counts of tokens.

    Errors: NoAnswer.
    """
    document = _json(content)
    choices = document.get("choices") if isinstance(document, dict) else None
    if error := _error_object(document, choices):
        code = error.get("code") if isinstance(error, dict) else None
        raise NoAnswer(f"an error with status 200: {server_words(content)}", _as_status(code), code)
    if not isinstance(choices, list) or not choices:
        raise NoAnswer(f"an answer that is no chat completion: {server_words(content)}")
    kept = [_kept_choice(choice, f"choices[{number}]") for number, choice in enumerate(choices)]
    return {"choices": kept, "top": _top(choices[0].get("logprobs")), "usage": asdict(_usage(document.get("usage")))}


def is_answer(kept: Any, count: int) -> bool:
    """Whether something from the response log is what read_answer gives for `count` replies."""
    try:
        numbers = astuple(Usage(**kept["usage"]))
        return (
            len(kept["choices"]) == count
            and all(isinstance(one["text"], str) and one["finish"] in ENDS.values() for one in kept["choices"])
            and all(_finite(value) is not None for value in kept["top"].values())
            and all(_count(number) is not None for number in numbers)
        )
    except (KeyError, TypeError, AttributeError):
        return False


def server_words(content: bytes) -> str:
    """What an answer says in words: the message of its error object, or its text without the markup."""
    document = _json(content)
    if document is not None:
        return _message(document)
    text = content.decode("utf-8", "replace")
    if re.match(r"\s*<(!doctype|html|head)", text, re.IGNORECASE):
        shown = re.sub(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", " ", text, flags=re.IGNORECASE | re.DOTALL)
        return f"an HTML page: {shown.strip()}"
    return text.strip() or "an empty answer"


def error_code(content: bytes) -> Any:
    """The code of an error object, which says more than a status; None without one."""
    document = _json(content)
    error = document.get("error") if isinstance(document, dict) else None
    return error.get("code") if isinstance(error, dict) else None


def _json(content: bytes) -> Any:
    """The document, or None if it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _error_object(document: Any, choices: Any) -> Any:
    """The error that a document or its first choice reports."""
    first = choices[0] if isinstance(choices, list) and choices else None
    return next((one["error"] for one in (document, first) if isinstance(one, dict) and one.get("error")), None)


def _as_status(code: Any) -> int | None:
    """A code that is a status of HTTP: some servers send their errors with a 200."""
    return int(code) if re.fullmatch(r"[45]\d\d", str(code)) else None


def _message(document: Any) -> str:
    if isinstance(document, str):
        return document
    if isinstance(document, list) and document:
        return _message(document[0])
    if isinstance(document, dict):
        for key in ("error", "message", "detail", "msg"):
            if document.get(key):
                return _message(document[key])
    return json.dumps(document)


def _kept_choice(choice: Any, where: str) -> dict:
    """A choice's text and finish. Errors: NoAnswer."""
    if not isinstance(choice, dict) or not isinstance(message := choice.get("message"), dict):
        raise NoAnswer(f"an answer that is no chat completion: {where} has no message")
    finish = ENDS.get(str(reason := choice.get("finish_reason")).lower())
    if finish is None:
        raise NoAnswer(f"{where}.finish_reason is {reason!r} (a reply's end: {', '.join(ENDS)})")
    if finish in ("stop", "length") and not message.keys() & {"content", "refusal"}:
        raise NoAnswer(f"{where}.message has no content")
    text = _text(message.get("content"), where) or _text(message.get("refusal"), where)
    # UTF-8, and so a shard, has no half of a surrogate pair.
    return {"text": text.encode("utf-8", "replace").decode(), "finish": finish}


def _text(content: Any, where: str) -> str:
    """A message's text, also where it comes in parts. Errors: NoAnswer."""
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for part in content if isinstance(content, list) else [content]:
        kind = part.get("type") if isinstance(part, dict) else None
        text = part.get("text") if kind in READ_PARTS else part.get("refusal") if kind == "refusal" else None
        if isinstance(text, str):
            texts.append(text)
        elif kind not in SKIPPED_PARTS:
            raise NoAnswer(f"{where}.message.content has a part that is no text: {json.dumps(part)}")
    return "".join(texts)


def _top(logprobs: Any) -> dict[str, float]:
    """Alternatives of the first token → log-probability; without those that have no text or no number."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    first = content[0] if isinstance(content, list) and content else None
    alternatives = first.get("top_logprobs") if isinstance(first, dict) else None
    top: dict[str, float] = {}
    for one in alternatives if isinstance(alternatives, list) else []:
        if isinstance(one, dict) and isinstance(token := one.get("token"), str):
            value = _finite(one.get("logprob"))
            if value is not None:
                top.setdefault(token.encode("utf-8", "replace").decode(), value)
    return top


def _usage(counted: Any) -> Usage:
    """Both counts, or none."""
    names = ("prompt_tokens", "completion_tokens")
    prompt, completion = (_count(counted.get(name)) if isinstance(counted, dict) else None for name in names)
    if prompt is None or completion is None:
        return Usage(requests=1, uncounted=1)
    return Usage(1, 0, prompt, completion)


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= MOST_TOKENS else None


def _finite(value: Any) -> float | None:
    number = type(value) in (int, float) and abs(value) <= 1e300  # an int can be too large for a float
    return float(value) if number and math.isfinite(value) else None
