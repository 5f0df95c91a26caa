"""A teacher whose choices were published as counts: its shards replay them.

The counts say how often each cell cooperated, asked in the paper's one variant. The replies' texts and
their sequence were not published, so `raw` is empty and the cooperating observations come first.
"""

import csv
from pathlib import Path

from tom.core.errors import UserError
from tom.games.rescaling import SCALE_MARK
from tom.prompts.variants import PAPER_VARIANT

DOUBLED = "doubled_payoffs"
COLUMNS = ("split", "context", "game", "model", "cooperated", "observations")


def read_counts(file: str | Path, model: str) -> dict[tuple[str, str], tuple[int, int]]:
    """(game, context) → (cooperated, observations) of one model in a table of published counts.

    A row of the split `doubled_payoffs` belongs to the game's double, e.g. `stag_hunt-x2`.
    Errors: UserError names the file, the line and what is allowed.
    """
    try:
        with Path(file).open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            missing = sorted(set(COLUMNS) - set(reader.fieldnames or []))
            if missing:
                raise UserError(f"{file}: missing column {', '.join(missing)}")
            rows = [(reader.line_num, row) for row in reader if row["model"] == model]
    except FileNotFoundError:
        raise UserError(f"{file}: no such table of recorded choices") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file}: no readable table of recorded choices ({type(error).__name__})") from None
    counts = {}
    for line, row in rows:
        try:
            cooperated, observations = int(row["cooperated"]), int(row["observations"])
        except (TypeError, ValueError):
            raise UserError(f"{file}, line {line}: counts must be whole numbers") from None
        if not 0 <= cooperated <= observations or observations == 0:
            raise UserError(f"{file}, line {line}: {cooperated} of {observations} is no count of observations")
        game = f"{row['game']}{SCALE_MARK}2" if row["split"] == DOUBLED else row["game"]
        if (game, row["context"]) in counts:
            raise UserError(f"{file}, line {line}: {game} in {row['context']} was recorded above as well")
        counts[game, row["context"]] = (cooperated, observations)
    return counts


def require_cells(counts: dict, cells: list[tuple[str, str]], file: str, model: str) -> None:
    """Raise UserError unless every (game, context) was recorded."""
    absent = [f"{game} in {context}" for game, context in cells if (game, context) not in counts]
    if absent:
        raise UserError(
            f"{file}: no recorded choices of '{model}' for {', '.join(absent)} (allowed: cells that were recorded, or"
            " `recorded: false` in a split that only students answer)"
        )


def replay(counts: tuple[int, int], fields: dict) -> list[dict]:
    """Observation rows of one cell, cooperations first; `fields` are the columns all rows share."""
    cooperated, observations = counts
    return [
        fields
        | {
            "record": "observation",
            "order": PAPER_VARIANT.order,
            "cooperation_label": PAPER_VARIANT.cooperation_label,
            "observation": number,
            "action": "cooperate" if number < cooperated else "defect",
            "outcome": "read",
            "rule": "recorded",
            "engine": "recorded",
        }
        for number in range(observations)
    ]
