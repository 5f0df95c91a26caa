"""Folds of a leave-one-out: a context, a game, or payoffs of one scale and shift that a training does without."""

from dataclasses import dataclass

from tom.core.errors import UserError
from tom.games.rescaling import split_rescaling

CONTEXT, GAME, PAYOFFS = KINDS = ("context", "game", "payoffs")


@dataclass(frozen=True, order=True)
class Fold:
    """All cells that share a context, a game, or a rescaling of payoffs; written `context-business`, `payoffs-x2`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}-{self.name}"

    def holds(self, cell: tuple[str, str]) -> bool:
        """Whether a (game, context) is one of them."""
        return self.name == _part(self.kind, cell)

    @classmethod
    def read(cls, text: str) -> "Fold":
        """The fold that is written so. Errors: UserError."""
        kind, _, name = text.partition("-")
        if kind not in KINDS or not name:
            raise UserError(f"'{text}' names no fold (allowed: {', '.join(f'{kind}-NAME' for kind in KINDS)})")
        return cls(kind, name)


def folds(cells: list[tuple[str, str]]) -> list[Fold]:
    """Every fold of these (game, context) that leaves some of them to be taught, by kind, in the cells' order."""
    found = []
    for kind in KINDS:
        names = list(dict.fromkeys(_part(kind, cell) for cell in cells))
        found += [Fold(kind, name) for name in names] if len(names) > 1 else []
    return found


def _part(kind: str, cell: tuple[str, str]) -> str:
    game, context = cell
    stem, rescaling = split_rescaling(game)
    return {CONTEXT: context, GAME: stem, PAYOFFS: str(rescaling)}[kind]
