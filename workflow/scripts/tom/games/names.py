"""The name of a game, or of several members of a game set: a file's stem, then what it says of that file.

| name | stands for |
| --- | --- |
| `stag_hunt` | the game of resources/games/stag_hunt.yaml |
| `ordinal-tspr` | the game with this order of payoffs |
| `drawn-17` | member 17 of a game set, as its row player sees it |
| `drawn-17-column` | the same game, as its column player sees it |
| `drawn-0to63` | members 0 to 63: a block, whose cells are sampled by one job and share a shard |

Each may end in a rescaling, such as `-x2` or `-plus10` (tom/games/rescaling.py). A config writes any number of members
as a range, `drawn-0..255-x2`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tom.core.errors import UserError
from tom.games.rescaling import Rescaling, split_rescaling

ORDER_MARK = "-"
RANGE_MARK, BLOCK_MARK, COLUMN_MARK = "..", "to", "-column"
MOST_IN_RANGE = 100_000
"""Every member is read before a run starts."""
BLOCK = 64
"""The most members of a block. Blocks begin at its multiples, so that splits of the same games share their shards."""

_MEMBERS = re.compile(r"(\d+)(?:(?:\.\.|to)(\d+))?(-column)?")


@dataclass(frozen=True)
class GameName:
    """A parsed name.

    members: the numbers of members of a game set; None for a game that is no member. order: of the payoffs, such as
    `TSPR`; None without one. column: whether the column player is asked. suffix: the rescaling as it is written.
    """

    stem: str
    order: str | None
    members: range | None
    column: bool
    suffix: str
    rescaling: Rescaling

    def __str__(self) -> str:
        numbers = ""
        if self.members is not None:
            first, last = self.members[0], self.members[-1]
            numbers = f"-{first}" + (f"{BLOCK_MARK}{last}" if last > first else "") + COLUMN_MARK * self.column
        order = f"{ORDER_MARK}{self.order.lower()}" if self.order else ""
        return f"{self.stem}{order}{numbers}{self.suffix}"


def parse_name(name: str) -> GameName:
    """Parse the name of a game, a block or a range. Errors: UserError names it and what is allowed."""
    whole, rescaling = split_rescaling(name)
    stem, mark, rest = whole.partition(ORDER_MARK)
    suffix = name[len(whole) :]
    if not mark:
        return GameName(stem, None, None, False, suffix, rescaling)
    if found := _MEMBERS.fullmatch(rest):
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise UserError(f"game '{name}': {last} comes before {first} (allowed: {stem}-{last}..{first})")
        if last - first >= MOST_IN_RANGE:
            raise UserError(f"game '{name}': {last - first + 1} games (allowed: at most {MOST_IN_RANGE} in a range)")
        return GameName(stem, None, range(first, last + 1), bool(found[3]), suffix, rescaling)
    if sorted(rest) != sorted("trps"):
        raise UserError(f"game '{name}': '{rest}' is no order of t, r, p and s (write e.g. '{stem}{ORDER_MARK}trps')")
    return GameName(stem, rest.upper(), None, False, suffix, rescaling)


def file_stem(name: str) -> str:
    """The stem of the file that a name belongs to."""
    return parse_name(name).stem


def is_member(name: str) -> bool:
    """Whether a name stands for members of a game set."""
    return parse_name(name).members is not None


def blocks(names: Iterable[str]) -> list[str]:
    """The names with each range cut into its blocks; other names stay as they are."""
    return [block for name in names for block in _cut(name)]


def _cut(name: str) -> list[str]:
    if RANGE_MARK not in name:
        return [name]
    parsed = parse_name(name)
    first, end = parsed.members[0], parsed.members[-1] + 1
    starts = [first, *range((first // BLOCK + 1) * BLOCK, end, BLOCK)]
    return [
        str(replace(parsed, members=range(start, stop))) for start, stop in zip(starts, [*starts[1:], end], strict=True)
    ]


def members(name: str) -> list[str]:
    """The name of each game that a block or a range stands for; any other name alone."""
    parsed = parse_name(name)
    if parsed.members is None:
        return [name]
    return [str(replace(parsed, members=range(number, number + 1))) for number in parsed.members]
