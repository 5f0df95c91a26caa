"""In which order the options are listed, what they are called, and which name means cooperation.

An untuned small model prefers what is mentioned first (measured: docs/decisions.md), so a cell is asked
in both orders in equal shares. Exchanged letters are a diagnostic: who follows the letter changes its
action with it, who follows the game does not.
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
    """One way of asking a cell. labels: names of the options, that of cooperation first unless they are exchanged."""

    order: str
    cooperation_label: str
    labels: tuple[str, str] = LABELS

    @property
    def defection_label(self) -> str:
        return self.labels[1 - self.labels.index(self.cooperation_label)]

    @property
    def kind(self) -> str:
        """What a label is, in words."""
        return "letter" if all(len(label) == 1 for label in self.labels) else "word"

    def label(self, cooperates: bool) -> str:
        """The label of an action."""
        return self.cooperation_label if cooperates else self.defection_label

    def actions(self) -> tuple[bool, bool]:
        """Cooperate (True) and defect (False) as listed."""
        return (True, False) if self.order == "cooperation_first" else (False, True)


PAPER_VARIANT = Variant(order="cooperation_first", cooperation_label="C")
"""The one variant of arXiv 2408.05241: C means cooperation, outcomes listed CC, CD, DC, DD."""


def asked(orders: list[str]) -> list[Variant]:
    """The variants that observations are drawn from: C means cooperation in each."""
    return [Variant(order, LABELS[0]) for order in orders]


def scored(orders: list[str], labels: tuple[str, str] = LABELS) -> list[Variant]:
    """The variants scored exactly: those of the labels as they are, then the same with them exchanged."""
    return [Variant(order, label, labels) for label, order in product(labels, orders)]


def load_labels(file: str | Path) -> tuple[str, str]:
    """The names of cooperation and defection. Errors: UserError names the file and the key."""
    document = read_checked(file, "labels")
    cooperate, defect = document["cooperate"], document["defect"]
    if cooperate == defect:
        raise UserError(f"{file}: defect: {defect!r} is cooperation's name too")
    if cooperate.startswith(defect) or defect.startswith(cooperate):
        raise UserError(
            f"{file}: defect: {defect!r} and {cooperate!r}, cooperation's name: one begins the other, and a reply that"
            " begins with both is neither (allowed: names of which none begins the other)"
        )
    return cooperate, defect
