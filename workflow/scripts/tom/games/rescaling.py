"""Rescaled payoffs, given by a game's name: `stag_hunt-x0.5-minus4` has the payoffs of `stag_hunt` times 0.5, minus 4.

A scale and a shift preserve the order of the payoffs and so the family of the game. They change the stakes, and whether
payoffs can be losses.
"""

import re
from dataclasses import dataclass

from tom.core.errors import UserError
from tom.games.amounts import number

SCALE_MARK, SHIFT_MARKS = "-x", {"-plus": 1, "-minus": -1}
_SHIFT = re.compile("|".join(SHIFT_MARKS))


@dataclass(frozen=True, order=True)
class Rescaling:
    """Payoffs are multiplied by `scale`, which is above 0, and then increased by `shift`."""

    scale: float = 1.0
    shift: float = 0.0

    def of(self, payoff: float) -> float:
        """The rescaled payoff, rounded to the 12 significant digits of a prompt."""
        return float(f"{payoff * self.scale + self.shift:.12g}")

    def __str__(self) -> str:
        """The suffix of a name without its first hyphen, e.g. `x0.5-minus4`; the scale is always included."""
        mark = {1: "-plus", -1: "-minus"}.get((self.shift > 0) - (self.shift < 0))
        return f"x{number(self.scale)}" + (f"{mark}{number(abs(self.shift))}" if mark else "")


def split_rescaling(name: str) -> tuple[str, Rescaling]:
    """`stag_hunt-x2-plus10` → (`stag_hunt`, Rescaling(2, 10)). Errors: UserError for a malformed scale or shift."""
    found = _SHIFT.search(name)
    scaled = name[: found.start()] if found else name
    stem, mark, factor = scaled.partition(SCALE_MARK)
    scale = _above_zero(factor, f"game '{name}': '{factor}' is no factor", f"{stem}{SCALE_MARK}2") if mark else 1.0
    if not found:
        return stem, Rescaling(scale)
    amount = name[found.end() :]
    shift = _above_zero(amount, f"game '{name}': '{amount}' is no shift", f"{scaled}{found[0]}10")
    return stem, Rescaling(scale, SHIFT_MARKS[found[0]] * shift)


def _above_zero(text: str, what: str, example: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", text) or not float(text):
        raise UserError(f"{what} above 0 (write e.g. '{example}')")
    return float(text)


def scaled_dollars(name: str, *amounts: int) -> tuple[int, ...]:
    """Each amount times the scale in the game's name. Errors: UserError for a shift or a scale that gives cents."""
    _, rescaling = split_rescaling(name)
    if rescaling.shift:
        raise UserError(f"game '{name}': what is at stake is not shifted (allowed: a scale, such as -x2)")
    scaled = [rescaling.of(amount) for amount in amounts]
    if cents := [amount for amount in scaled if not amount.is_integer()]:
        raise UserError(f"game '{name}': {cents[0]:g} dollars are no whole number (allowed: a scale that leaves one)")
    return tuple(map(int, scaled))
