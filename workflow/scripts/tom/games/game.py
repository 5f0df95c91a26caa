"""2x2 games, given by each player's payoffs T, R, P and S.

A file of resources/games holds one game, the 24 orders of four payoffs (family `ordinal`), or a game set: games that
are drawn at random (tom/games/drawn.py) or rows of a table (tom/games/tabled.py). tom/games/names.py says how each is
called.

Source: the four games are those of Lorè, Ilami, Heydari (arXiv 2408.05241, section 3). Families are defined by the
order of the payoffs, as in Robinson and Goforth, The Topology of the 2x2 Games (2005). The other names are those of
Bruns, Names for Games (2015), who calls snowdrift chicken and the prisoner's delight concord.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tom.core.errors import UserError
from tom.core.yaml_files import check, read_document
from tom.games.drawn import DrawnGames
from tom.games.names import ORDER_MARK, GameName, parse_name
from tom.games.payoffs import FAMILIES, ORDINAL, ORDINALS, Payoffs
from tom.games.tabled import TabledGames

SETS = {"drawn": DrawnGames, "table": TabledGames}
"""Family of a game set → its class. The schema with the family's name lists its keys."""


@dataclass(frozen=True)
class Game:
    """A 2x2 game as the asked player sees it. Payoffs are in points, and each player's are in its own frame.

    R: both take their first action. S: the asked player takes its first action, the other its second. T: the other way
    round. P: both take their second action. In a social dilemma the first action cooperates, and these are the reward,
    the sucker's payoff, the temptation and the punishment. other: the other player's payoffs; None where the game is
    symmetric, so that they are the same. named: whether the file says which action cooperates.
    """

    name: str
    family: str
    T: float
    R: float
    P: float
    S: float
    other: Payoffs | None = None
    named: bool = True

    @property
    def symmetric(self) -> bool:
        """Whether both players have the same payoffs."""
        return self.other in (None, self.own)

    @property
    def own(self) -> Payoffs:
        """The asked player's payoffs."""
        return Payoffs(self.T, self.R, self.P, self.S)

    @property
    def has_cooperation(self) -> bool:
        """Whether the first action can be called cooperation, and the second defection.

        It can in a game of a named family, and in a member of a set if the game is symmetric and both players gain
        when both take the first action rather than the second. In all other games a propensity is that of the first
        action, and says nothing about cooperation.
        """
        return self.named or (self.symmetric and self.R > self.P)

    def points(self, mine_first: bool, theirs_first: bool) -> tuple[float, float]:
        """The points of the asked player and of the other in an outcome: whether each takes its first action."""
        return self.own.of(mine_first, theirs_first), (self.other or self.own).of(theirs_first, mine_first)

    def mirrored(self) -> "Game":
        """The same game as the other player sees it."""
        theirs = self.other or self.own
        return Game(self.name, self.family, *theirs, other=self.own if self.other else None, named=self.named)


def family_of(order: str) -> str:
    """The family with this order of payoffs, e.g. `TRPS`; `ordinal_` and its letters if it has no name of its own."""
    return {letters: family for family, letters in FAMILIES.items()}.get(order, f"{ORDINAL}_{order.lower()}")


def check_family(family: str, payoffs: dict[str, float], file: str) -> None:
    """Raise UserError unless the payoffs have the strict order of the family."""
    order = (FAMILIES | ORDINALS)[family]
    values = [payoffs[letter] for letter in order]
    if not all(math.inf > high > low > -math.inf for high, low in pairwise(values)):
        found = ", ".join(f"{letter} = {payoffs[letter]:g}" for letter in "TRPS")
        raise UserError(f"{file}: payoffs: {family} needs {' > '.join(order)}, found {found}")


def load_games(files: list[Path], names: Iterable[str]) -> list[Game]:
    """Load the games with these names, each from the file with the name's stem, which is read once.

    Errors: as load_game.
    """
    stems, documents = {file.stem: file for file in files}, {}
    games = []
    for name in names:
        parsed = parse_name(name)
        if parsed.stem not in documents:
            documents[parsed.stem] = read_game_file(stems[parsed.stem])
        games.append(game_of(documents[parsed.stem], parsed, str(stems[parsed.stem])))
    return games


def load_game(file: str | Path, name: str) -> Game:
    """Read a game file, check the order of its payoffs, and rescale them as `name` says.

    A file of the family `ordinal` has four payoffs from best to worst, which the order in `name` assigns to T, R, P, S.
    Errors: UserError names the file, the key and the allowed values.
    """
    return game_of(read_game_file(file), parse_name(name), str(file))


def read_game_file(file: str | Path) -> dict | DrawnGames | TabledGames:
    """A checked game file: the games of a set, and else the document. Errors: UserError names the file and the key."""
    document = read_document(file, "game")
    family = document.get("family") if isinstance(document, dict) else None
    if isinstance(family, str) and family in SETS:
        check(document, family, str(file))
        return SETS[family].read(document, str(file))
    check(document, "game", str(file))
    return document


def table_of(file: str | Path) -> str | None:
    """The table that a game file names, whose rows are its games; None for any other file."""
    found = read_game_file(file)
    return found.table if isinstance(found, TabledGames) else None


def game_of(found: dict | DrawnGames | TabledGames, name: GameName, file: str) -> Game:
    """The game with a name, from what read_game_file found. Errors: UserError names the file and what is allowed."""
    if isinstance(found, dict):
        if name.members is not None:
            raise UserError(f"game '{name}': {file} is no game set, its games have no numbers (allowed: {name.stem})")
        family, payoffs = _family_and_payoffs(found, name, file)
        check_family(family, payoffs, file)
        payoffs = {letter: name.rescaling.of(value) for letter, value in payoffs.items()}
        # With a scale far below the shift, payoffs can round to the same number in a prompt.
        check_family(family, payoffs, f"{file}: game '{name}'")
        return Game(name=str(name), family=family, **payoffs)
    if name.members is None or len(name.members) > 1:
        raise UserError(f"game '{name}': {file} is a game set (write a number: {name.stem}-0)")
    row, column = found.payoffs(name.members[0])
    if name.column and column is None:
        raise UserError(
            f"game '{name}': the game is symmetric, and both players see it alike (allowed: without -column)"
        )
    own, other = (column, row) if name.column else (row, column)
    own, other = (payoffs and payoffs.rescaled(name.rescaling) for payoffs in (own, other))
    family = order_of(own) if other in (None, own) else "asymmetric"
    return Game(str(name), family, *own, other=other, named=False)


def order_of(payoffs: Payoffs) -> str:
    """The family with the order of these payoffs; `ties` if two of them are equal."""
    letters = sorted(payoffs._fields, key=lambda letter: -getattr(payoffs, letter))
    return family_of("".join(letters)) if len(set(payoffs)) == len(payoffs) else "ties"


def _family_and_payoffs(document: dict, name: GameName, file: str) -> tuple[str, dict[str, float]]:
    """The family and the payoffs of a game file, with the order in the game's name applied."""
    if (document["family"] == ORDINAL) != (name.order is not None):
        allowed = f"{name.stem}{ORDER_MARK}trps and the like" if name.order is None else name.stem
        raise UserError(f"game '{name}': {file} is of the family {document['family']} (allowed: {allowed})")
    if name.order is None:
        return document["family"], document["payoffs"]
    return family_of(name.order), dict(zip(name.order, document["ranked"], strict=True))
