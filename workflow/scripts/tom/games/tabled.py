"""Game sets from a table of one's own, CSV or Parquet: one row a game, member n from the row after n others.

The game file names the table and its columns. Where somebody recorded how often each player took its first action, a
recorded teacher replays it (tom/sampling/recorded.py).
"""

import csv
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tom.core.errors import UserError
from tom.games.payoffs import Payoffs

ROW, COLUMN = PLAYERS = ("row", "column")


@dataclass(frozen=True)
class TabledGames:
    """The games of a table.

    row_payoffs, column_payoffs: one column that holds four numbers, or four columns, each player's in its own frame and
    in the order R, S, T, P; no column_payoffs: all games are symmetric. answers: player → its columns; `context`: the
    only context that they were given in.
    """

    file: str
    table: str
    row_payoffs: str | list[str]
    column_payoffs: str | list[str] | None
    answers: dict | None

    @classmethod
    def read(cls, document: dict, file: str) -> "TabledGames":
        """The games of a checked document. Errors: UserError if the table lacks a column that it names."""
        games = cls(file, *(document.get(key) for key in ("table", "row_payoffs", "column_payoffs", "answers")))
        named = [games.row_payoffs, games.column_payoffs]
        for player in PLAYERS:
            named += list((document.get("answers") or {}).get(player, {}).values())
        columns = [name for each in named for name in (each if isinstance(each, list) else [each])]
        if COLUMN in (document.get("answers") or {}) and games.column_payoffs is None:
            raise UserError(f"{file}: answers.column: the games are symmetric (allowed: answers.row alone)")
        header = games._rows()[0].keys() if games._rows() else ()
        if absent := sorted({name for name in columns if isinstance(name, str)} - set(header)):
            raise UserError(f"{games.table}: no column {absent[0]!r}, which {file} names (found: {', '.join(header)})")
        return games

    def payoffs(self, number: int) -> tuple[Payoffs, Payoffs | None]:
        """Row and column player's payoffs of a member; None for the column player where all games are symmetric."""
        row = self._payoffs(number, self.row_payoffs)
        column = None if self.column_payoffs is None else self._payoffs(number, self.column_payoffs)
        return row, column

    def answer(self, number: int, column: bool, context: str) -> tuple[int, int] | None:
        """(first actions, observations) of a player in a context; None where nobody recorded any.

        A rate is taken for the nearest count. Errors: UserError names the row and the column.
        """
        player = (self.answers or {}).get(COLUMN if column else ROW)
        if player is None or context != self.answers["context"]:
            return None
        row = self._row(number)
        observations = player["observations"]
        if isinstance(observations, str):
            observations = self._number(number, observations, row[observations])
        key = "first" if "first" in player else "rate"
        found = self._number(number, player[key], row[player[key]])
        first = found if key == "first" else round(found * observations)
        whole = float(observations).is_integer() and float(first).is_integer()
        if not (whole and 0 <= first <= observations and observations > 0 and (key == "first" or 0 <= found <= 1)):
            raise UserError(
                f"{self._where(number)}: {player[key]} {found:g} of {observations:g} observations is no count or rate"
            )
        return int(first), int(observations)

    def _payoffs(self, number: int, columns: str | list[str]) -> Payoffs:
        row = self._row(number)
        if isinstance(columns, str):
            values = _split(str(row[columns]))
            if len(values) != 4:
                raise UserError(f"{self._where(number)}: {columns} {row[columns]!r} are no four numbers")
            values = [self._number(number, columns, value) for value in values]
        else:
            values = [self._number(number, name, row[name]) for name in columns]
        reward, sucker, temptation, punishment = values
        return Payoffs(T=temptation, R=reward, P=punishment, S=sucker)

    def _number(self, number: int, column: str, value: object) -> float:
        try:
            found = float(value)
        except (TypeError, ValueError):
            found = math.nan
        if not math.isfinite(found):
            raise UserError(f"{self._where(number)}: {column}: {value!r} is no number")
        return found

    def _row(self, number: int) -> dict:
        rows = self._rows()
        if number >= len(rows):
            raise UserError(f"{self.table}: no game {number} (allowed: 0 to {len(rows) - 1})")
        return rows[number]

    def _where(self, number: int) -> str:
        return f"{self.table}, game {number}"

    def _rows(self) -> list[dict]:
        file = Path(self.table)
        try:
            changed = file.stat()
        except OSError:
            raise UserError(f"{self.file}: table: {self.table} is missing") from None
        return _read(self.table, changed.st_mtime_ns, changed.st_size)


def _split(text: str) -> list[str]:
    """The numbers in a text such as `21-10-24-17` or `[21 -10 24 17]`: hyphens separate where nothing else does."""
    parts = re.findall(r"[^\s,;\[\]()]+", text)
    return parts if len(parts) > 1 else text.split("-")


@lru_cache(maxsize=8)
def _read(table: str, *version: int) -> list[dict]:
    """The rows of a table. version: its time and size, since a resident engine outlives an edit."""
    if table.endswith(".parquet"):
        import polars as pl

        try:
            return pl.read_parquet(table).to_dicts()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise UserError(f"{table}: not a Parquet table ({type(error).__name__})") from None
    try:
        with Path(table).open(newline="", encoding="utf-8-sig") as stream:
            return list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{table}: not a CSV table ({type(error).__name__})") from None
