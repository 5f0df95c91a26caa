"""Names as people read them."""

import re

from tom.asking.games import SCALE_MARK


def readable(name: str) -> str:
    """`prisoners_dilemma-x2` → `Prisoner's dilemma ×2`; `in_sample` → `In sample`."""
    text = re.sub(rf"{SCALE_MARK}([\d.]+)$", r" ×\1", name)
    text = text.replace("prisoners_", "prisoner's_").replace("_", " ")
    return text[:1].upper() + text[1:]
