"""A recorded teacher's replies in words: a table of the user's own, one reply a row, with named fields.

Such a table may be a list of fine-tuning examples, in which only the text of a prompt tells game, context and order. So
a field's values are mapped to names by texts of which one occurs in them. Shards that were gathered into one file
(workflow/scripts/gather_shards.py) are such a table as well.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tom.core.errors import UserError
from tom.core.library_errors import first_line
from tom.parsing.outcomes import FINISHES
from tom.prompts.variants import ORDERS
from tom.sampling.recorded import ASKED_AS

SHOWN = 3
"""Bad rows that an error names."""


class GivenReply(NamedTuple):
    """A reply as given. order: of the options in its prompt. finish: one of FINISHES, None if nobody says."""

    text: str
    order: str
    finish: str | None


class _BadRow(Exception):
    """What is wrong with a row."""


def read_replies(settings: Mapping[str, Any]) -> dict[tuple[str, str], list[GivenReply]]:
    """(game, context) → its replies, in the order of the table.

    settings: the section `teacher.recorded.replies` of a config. A reply without an order is one to the paper's order.
    Errors: UserError names the file, and the first of its bad rows.
    """
    file = Path(settings["file"])
    fields = {"game": "game", "context": "context"} | dict(settings["fields"])
    orders = settings.get("orders", {name: name for name in ORDERS})
    found: dict[tuple[str, str], list[GivenReply]] = {}
    bad = []
    for number, row in enumerate(_rows_of(file), 1):
        # In gathered shards, rows of exact scores are no replies.
        if isinstance(row, dict) and row.get("record") == "score":
            continue
        try:
            cell = tuple(_name(row, fields[of], settings.get(f"{of}s")) for of in ("game", "context"))
            order = _name(row, fields["order"], orders) if "order" in fields else ASKED_AS["order"]
            finish = _value(row, fields["finish"]) if "finish" in fields else None
            if finish not in (None, *FINISHES):
                raise _BadRow(f"{fields['finish']}: {finish!r} (allowed: {', '.join(FINISHES)}, or null)")
            found.setdefault(cell, []).append(GivenReply(_text(row, fields["reply"]), order, finish))
        except _BadRow as error:
            bad.append(f"row {number}: {error}")
    if bad:
        more = f"; and {len(bad) - SHOWN} rows more" if len(bad) > SHOWN else ""
        raise UserError(f"{file}: {'; '.join(bad[:SHOWN])}{more}")
    if not found:
        raise UserError(f"{file}: no reply in it")
    return found


def _rows_of(file: Path) -> Iterable[Any]:
    """The rows of a table. Errors: UserError names the file."""
    try:
        if file.suffix == ".parquet":
            return _parquet_rows(file)
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix == ".jsonl":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        rows = json.loads(text)
    except FileNotFoundError:
        raise UserError(f"{file}: no such table of replies") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: no readable table of replies ({first_line(error)})") from None
    if not isinstance(rows, list):
        raise UserError(f"{file}: not a list of rows, but {type(rows).__name__}")
    return rows


def _parquet_rows(file: Path) -> Iterable[dict]:
    import polars as pl  # a workflow with another table, or none, is read without it

    try:
        return pl.read_parquet(file, glob=False, hive_partitioning=False).iter_rows(named=True)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ValueError(first_line(error)) from None


def _value(row: Any, path: str) -> Any:
    """What a row has in a field; `messages.1.content` is a path through lists and objects."""
    for part in path.split("."):
        if isinstance(row, dict) and part in row:
            row = row[part]
        elif isinstance(row, list) and part.isdigit() and int(part) < len(row):
            row = row[int(part)]
        else:
            known = f" (there: {', '.join(map(str, row))})" if isinstance(row, dict) else ""
            raise _BadRow(f"no field '{path}'{known}")
    return row


def _text(row: Any, path: str) -> str:
    value = _value(row, path)
    if not isinstance(value, str):
        raise _BadRow(f"{path}: {value!r} is no text")
    return value


def _name(row: Any, path: str, names: Mapping[str, str | list[str]] | None) -> str:
    """The name that a field's value stands for: the value itself, or the one name of which a text occurs in it."""
    value = " ".join(_text(row, path).split())
    if names is None and value:
        return value
    texts = {name: [given] if isinstance(given, str) else given for name, given in (names or {}).items()}
    fitting = [name for name, given in texts.items() if any(" ".join(text.split()) in value for text in given)]
    if len(fitting) != 1:
        told = f"that of {' and of '.join(fitting)}" if fitting else f"none of {', '.join(texts) or 'any name'}"
        raise _BadRow(f"{path}: {_shortened(value)!r} has {told}")
    return fitting[0]


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]} ..."


def require_replies(
    replies: Mapping[tuple[str, str], object], cells: Iterable[tuple[str, str]], file: str, where: str
) -> None:
    """Raise UserError unless there are replies in every (game, context). where: the key that needs them."""
    if absent := [f"{game} in {context}" for game, context in cells if (game, context) not in replies]:
        known = ", ".join(sorted(f"{game} in {context}" for game, context in replies))
        raise UserError(f"{where}: no replies for {', '.join(absent)} in {file} (there: {known})")
