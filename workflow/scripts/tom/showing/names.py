"""Names as people read them."""

import re

from tom.asking.games import ORDER_MARK, ORDINAL
from tom.asking.rescaling import SCALE_MARK, SHIFT_MARKS


def readable(name: str) -> str:
    """`in_sample` → `In sample`; `Prisoner's dilemma ×2`, `Ordinal TRPS`, `Stag hunt −4` of `stag_hunt-minus4`."""
    text = re.sub(rf"{SCALE_MARK}([\d.]+)(?=$|-)", r" ×\1", name)
    for mark, sign in SHIFT_MARKS.items():
        text = re.sub(rf"{mark}([\d.]+)$", rf" {'+' if sign > 0 else '−'}\1", text)
    text = re.sub(rf"^{ORDINAL}{ORDER_MARK}(\w+)", lambda found: f"{ORDINAL} {found[1].upper()}", text)
    text = text.replace("prisoners_", "prisoner's_").replace("travellers_", "traveller's_").replace("_", " ")
    return text[:1].upper() + text[1:]
