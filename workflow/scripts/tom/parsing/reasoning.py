"""What of a generated text is the reply: no reasoning, no control tokens, and nothing after the end of the turn.

Markup of reasoning: tags such as `<think>` (DeepSeek, Qwen, Phi), `◁think▷` (Kimi), `[THINK]` (Mistral),
`<|START_THINKING|>` (Cohere), `<seed:think>` and `<|begin_of_thought|>`; the channels of OpenAI's harmony format, with
their tokens or run into the text ("analysisThe user ...assistantfinalC"); Granite's "Here is my thought process:".
"""

import re

_NAMES = r"(?:think(?:ing)?|thoughts?|reason(?:ing)?|analysis|scratch_?pad|reflection|inner_monologue|seed:think)"
_REASONING = re.compile(
    rf"(?P<opens><{_NAMES}>|◁think▷|\[THINK\]|<\|START_THINKING\|>|<\|begin_of_thought\|>|<\|channel>thought\b"
    rf"|<\|inner_prefix\|>)|</{_NAMES}>|◁/think▷|\[/THINK\]|<\|END_THINKING\|>|<\|end_of_thought\|>|<channel\|>"
    r"|<\|inner_suffix\|>",
    re.IGNORECASE,
)
_FINAL_CHANNEL = re.compile(r"<\|channel\|>\s*final\s*(?:<\|constrain\|>\s*\w+\s*)?<\|message\|>|assistantfinal")
_OTHER_CHANNEL = re.compile(r"<\|channel\|>|^\s*(?:assistant)?(?:analysis|commentary)(?=[A-Z])")
_PROCESS = ("here is my thought process:", "here is my response:")
_CONTROL = re.compile(
    r"<\|[^<>|\n]{2,40}\|>|<｜[^<>｜\n]{2,40}｜>|</?s>|<(?:bos|eos|pad|start_of_turn|end_of_turn)>|\[/?INST\]"
)
_END = re.compile(
    r"</s>|<(?:eos|end_of_turn)>|<｜end▁of▁sentence｜>"
    r"|<\|(?:im_end|eot(?:_id)?|eom_id|endoftext|end(?:_of_(?:text|turn|solution))?|return|END_RESPONSE)\|>"
)
_ROLE = re.compile(r"^\s*(?:assistant|model)\s*(?:\n|$)", re.IGNORECASE)


def reply_part(text: str) -> tuple[str, bool]:
    """The reply without its reasoning and without control tokens; and whether the text ends inside the reasoning.

    A closing mark without an opening one ends a reasoning that the prompt had opened.
    """
    text, unfinished = _outside_reasoning(_last_channel(text))
    turn = _END.split(text, maxsplit=1)[0]
    pieces = [piece for piece in map(_without_role, _CONTROL.split(turn)) if piece]
    return (pieces[0] if pieces else ""), unfinished


def first_turn(text: str) -> str:
    """The text up to the first token after its reasoning that ends a turn. Some servers leave these in a reply."""
    start = max((mark.end() for kind in (_REASONING, _FINAL_CHANNEL) for mark in kind.finditer(text)), default=0)
    end = _END.search(text, start)
    return text[: end.start()] if end else text


def _last_channel(text: str) -> str:
    if channels := list(_FINAL_CHANNEL.finditer(text)):
        return text[channels[-1].end() :]
    if _OTHER_CHANNEL.search(text):
        return "<think>"
    opened = text.lower().find(_PROCESS[0])
    closed = text.lower().find(_PROCESS[1], opened)
    return text if opened < 0 or closed < 0 else text[:opened] + text[closed + len(_PROCESS[1]) :]


def _outside_reasoning(text: str) -> tuple[str, bool]:
    kept, start, inside = [], 0, False
    for mark in _REASONING.finditer(text):
        if not inside and mark["opens"]:
            kept.append(text[start : mark.start()])
        elif not inside:
            kept = []
        inside, start = bool(mark["opens"]), mark.end()
    return "\n".join(kept if inside else [*kept, text[start:]]), inside


def _without_role(piece: str) -> str:
    return _ROLE.sub("", piece).strip()
