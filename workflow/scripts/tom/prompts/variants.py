"""Variants of a prompt: the option order, the labels of the options, and which label means cooperation.

An untuned small model prefers the option that is mentioned first (docs/decisions.md), so each cell is asked in both
orders in equal shares. Swapping the labels is a diagnostic: a model that follows the labels changes its action, and a
model that follows the game does not.
"""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

from tom.core.errors import UserError
from tom.core.yaml_files import read_checked

ORDERS = ("cooperation_first", "cooperation_last")
LABELS = ("C", "D")


@dataclass(frozen=True)
class Variant:
    """One way to ask a cell.

    order: one of ORDERS. cooperation_label: the label that means cooperation. labels: both labels; unless they are
    swapped, the first means cooperation. In a game whose actions have no such meaning, read `the first action` for
    cooperation and `the second` for defection (tom/games/game.py).
    """

    order: str
    cooperation_label: str
    labels: tuple[str, str] = LABELS

    @property
    def defection_label(self) -> str:
        return self.labels[1 - self.labels.index(self.cooperation_label)]

    @property
    def kind(self) -> str:
        """What a prompt calls the labels."""
        return "letter" if all(len(label) == 1 for label in self.labels) else "word"

    def label(self, cooperates: bool) -> str:
        """The label of an action."""
        return self.cooperation_label if cooperates else self.defection_label

    def actions(self) -> tuple[bool, bool]:
        """Cooperate (True) and defect (False), in the option order."""
        return (True, False) if self.order == "cooperation_first" else (False, True)


PAPER_VARIANT = Variant(order="cooperation_first", cooperation_label="C")
"""The only variant of arXiv 2408.05241: C means cooperation, and the outcomes are listed as CC, CD, DC, DD."""


def asked(orders: list[str]) -> list[Variant]:
    """The variants that observations are sampled from, one per option order; C means cooperation in all of them."""
    return [Variant(order, LABELS[0]) for order in orders]


def scored(orders: list[str], labels: tuple[str, str] = LABELS) -> list[Variant]:
    """The variants that are scored exactly: all option orders with the original labels, then with swapped labels."""
    return [Variant(order, label, labels) for label, order in product(labels, orders)]


def load_labels(file: str | Path) -> tuple[str, str]:
    """Read the labels of cooperation and defection. Errors: UserError names the file and the key."""
    document = read_checked(file, "labels")
    cooperate, defect = document["cooperate"], document["defect"]
    if cooperate == defect:
        raise UserError(f"{file}: defect: {defect!r} is also the label of cooperation")
    if cooperate.startswith(defect) or defect.startswith(cooperate):
        raise UserError(
            f"{file}: defect: {defect!r} and {cooperate!r}, the label of cooperation: one is a prefix of the other, so"
            " replies could not be distinguished (allowed: labels of which neither is a prefix of the other)"
        )
    return cooperate, defect
