"""Names as people read them."""

import re

from tom.asking.games import ORDER_MARK, ORDINAL, SCALE_MARK


def readable(name: str) -> str:
    """`prisoners_dilemma-x2` → `Prisoner's dilemma ×2`; `in_sample` → `In sample`; `ordinal-trps` → `Ordinal TRPS`."""
    text = re.sub(rf"{SCALE_MARK}([\d.]+)$", r" ×\1", name)
    text = re.sub(rf"^{ORDINAL}{ORDER_MARK}(\w+)", lambda found: f"{ORDINAL} {found[1].upper()}", text)
    text = text.replace("prisoners_", "prisoner's_").replace("_", " ")
    return text[:1].upper() + text[1:]
