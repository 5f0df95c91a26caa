"""Folds of leave-one-out validation: all cells of one context, one game (set), or one rescaling of the payoffs."""

from dataclasses import dataclass

from tom.core.errors import UserError
from tom.games.names import parse_name

CONTEXT, GAME, PAYOFFS = KINDS = ("context", "game", "payoffs")


@dataclass(frozen=True, order=True)
class Fold:
    """The cells that share a context, a game or a rescaling. As text: `context-business` or `payoffs-x2`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}-{self.name}"

    def holds(self, cell: tuple[str, str]) -> bool:
        """Whether a (game, context) cell belongs to the fold."""
        return self.name == _part(self.kind, cell)

    @classmethod
    def read(cls, text: str) -> "Fold":
        """Parse a fold, the inverse of str(). Errors: UserError if the text is not KIND-NAME with a known kind."""
        kind, _, name = text.partition("-")
        if kind not in KINDS or not name:
            raise UserError(f"'{text}' names no fold (allowed: {', '.join(f'{kind}-NAME' for kind in KINDS)})")
        return cls(kind, name)


def folds(cells: list[tuple[str, str]]) -> list[Fold]:
    """The folds of these (game, context) cells, by kind and then in the order of the cells.

    A kind with a single fold is left out, since nothing would be left to train on.
    """
    found = []
    for kind in KINDS:
        names = list(dict.fromkeys(_part(kind, cell) for cell in cells))
        found += [Fold(kind, name) for name in names] if len(names) > 1 else []
    return found


def _part(kind: str, cell: tuple[str, str]) -> str:
    game, context = cell
    name = parse_name(game)
    # The members of a game set are one part: a student without each of hundreds of games would say little.
    stem = name.stem if name.members else game.removesuffix(name.suffix)
    return {CONTEXT: context, GAME: stem, PAYOFFS: str(name.rescaling)}[kind]
