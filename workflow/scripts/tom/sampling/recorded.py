"""A teacher whose answers were recorded as counts: its shards replay them.

Counts of choices say how often each cell cooperated, counts of contributions how often each amount was given. They hold
neither texts nor the sequence of replies: `raw` is empty, cooperations and small amounts come first. Replies in words
are a table of their own: tom/sampling/recorded_replies.py.
"""

import csv
from pathlib import Path

from tom.core.errors import UserError
from tom.games.game import read_game_file
from tom.games.names import members, parse_name
from tom.games.rescaling import SCALE_MARK
from tom.games.tabled import TabledGames

DOUBLED = "doubled_payoffs"
COLUMNS = ("context", "game", "model", "cooperated", "observations")
CONTRIBUTION_COLUMNS = ("context", "game", "model", "contribution", "count")
SHOWN = 3
"""Cells that an error names, of any number."""
# tom/prompts/variants.py calls it PAPER_VARIANT, and takes longer to import than the rest of a replay.
ASKED_AS = {"order": "cooperation_first", "cooperation_label": "C"}

Counts = dict[tuple[str, str], dict[int, int]]
"""(game, context) → contribution in dollars → how many observations gave it."""


def read_counts(file: str | Path, model: str) -> dict[tuple[str, str], tuple[int, int]]:
    """(game, context) → (cooperated, observations) of one model in a table of COLUMNS.

    Of a column `split`, as the paper's table has it, one value is read: a row of `doubled_payoffs` belongs to the
    game's double, e.g. `stag_hunt-x2`. A table without it names that game itself.
    Errors: UserError names the file, the line and what is allowed.
    """
    counts = {}
    for line, row in _rows_of(file, model, COLUMNS, "choices"):
        cooperated, observations = _whole(row, ("cooperated", "observations"), f"{file}, line {line}")
        if not 0 <= cooperated <= observations or observations == 0:
            raise UserError(f"{file}, line {line}: {cooperated} of {observations} is no count of observations")
        game = f"{row['game']}{SCALE_MARK}2" if row.get("split") == DOUBLED else row["game"]
        if (game, row["context"]) in counts:
            raise UserError(f"{file}, line {line}: {game} in {row['context']} was recorded above as well")
        counts[game, row["context"]] = (cooperated, observations)
    return counts


def read_contribution_counts(file: str | Path, model: str) -> Counts:
    """The counts of one model in a table of CONTRIBUTION_COLUMNS, amounts in increasing order.

    Errors: as read_counts.
    """
    counts: Counts = {}
    for line, row in _rows_of(file, model, CONTRIBUTION_COLUMNS, "contributions"):
        amount, count = _whole(row, ("contribution", "count"), f"{file}, line {line}")
        if amount < 0 or count < 1:
            raise UserError(f"{file}, line {line}: {amount}, {count} times, is no count of contributions")
        found = counts.setdefault((row["game"], row["context"]), {})
        if amount in found:
            cell = f"{row['game']} in {row['context']}"
            raise UserError(f"{file}, line {line}: {cell}: {amount} was recorded above as well")
        found[amount] = count
    return {cell: dict(sorted(found.items())) for cell, found in counts.items()}


def _rows_of(file: str | Path, model: str, columns: tuple[str, ...], what: str) -> list[tuple[int, dict[str, str]]]:
    """(line, row) of a model's rows in a table with these columns. Errors: UserError names the file."""
    try:
        with Path(file).open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            missing = sorted(set(columns) - set(reader.fieldnames or []))
            if missing:
                raise UserError(f"{file}: missing column {', '.join(missing)}")
            return [(reader.line_num, row) for row in reader if row["model"] == model]
    except FileNotFoundError:
        raise UserError(f"{file}: no such table of recorded {what}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file}: no readable table of recorded {what} ({type(error).__name__})") from None


def _whole(row: dict[str, str], columns: tuple[str, str], where: str) -> tuple[int, int]:
    try:
        one, other = (int(row[column]) for column in columns)
    except (TypeError, ValueError):
        found = ", ".join(str(row[column]) for column in columns)
        raise UserError(f"{where}: {' and '.join(columns)} must be whole numbers, not {found}") from None
    return one, other


def read_answers(game_file: Path, block: str, context: str) -> dict[str, tuple[int, int]]:
    """Member of a game set's block → (first actions, observations) that its table recorded in a context.

    Errors: UserError names the first member without any, and what is allowed.
    """
    found, answers = read_game_file(game_file), {}
    for name in members(block):
        parsed = parse_name(name)
        answer = found.answer(parsed.members[0], parsed.column, context) if isinstance(found, TabledGames) else None
        if answer is None or parsed.suffix:
            raise UserError(
                f"{game_file}: nobody recorded answers for {name} in {context} (allowed: games of a table with answers,"
                " as they are and in the table's context, or `recorded: false` in a split that only students answer)"
            )
        answers[name] = answer
    return answers


def require_cells(counts: dict, cells: list[tuple[str, str]], file: str, model: str) -> None:
    """Raise UserError unless every (game, context) was recorded."""
    absent = [f"{game} in {context}" for game, context in cells if (game, context) not in counts]
    if absent:
        more = f" and {len(absent) - SHOWN} more" if len(absent) > SHOWN else ""
        raise UserError(
            f"{file}: no recorded choices of '{model}' for {', '.join(absent[:SHOWN])}{more} (allowed:"
            " cells that were recorded, or `recorded: false` in a split that only students answer)"
        )


def require_contributions(counts: Counts, choices: dict[tuple[str, str], range], file: str, model: str) -> None:
    """Raise UserError unless each (game, context) was recorded, with amounts that may be named there."""
    for (game, context), allowed in choices.items():
        if (game, context) not in counts:
            raise UserError(
                f"{file}: no recorded contributions of '{model}' for {game} in {context} (allowed: cells that were"
                " recorded, or `recorded: false` in a split that only students answer)"
            )
        if outside := [number for number in counts[game, context] if number not in allowed]:
            raise UserError(
                f"{file}: {game} in {context}: a contribution of {outside[0]} (allowed: {allowed[0]} to {allowed[-1]})"
            )


def replay(counts: tuple[int, int], fields: dict) -> list[dict]:
    """Observation rows of one cell, cooperations first. counts: (cooperated, observations); fields: shared columns."""
    cooperated, observations = counts
    return [
        _observation(fields, number) | ASKED_AS | {"action": "cooperate" if number < cooperated else "defect"}
        for number in range(observations)
    ]


def replay_contributions(counts: dict[int, int], fields: dict) -> list[dict]:
    """Observation rows of one cell. counts: contribution → observations; fields: shared columns."""
    amounts = [amount for amount, count in counts.items() for _ in range(count)]
    return [_observation(fields, number) | {"number": amount} for number, amount in enumerate(amounts)]


def _observation(fields: dict, number: int) -> dict:
    read = {"record": "observation", "outcome": "read", "rule": "recorded", "engine": "recorded"}
    return fields | read | {"observation": number}
