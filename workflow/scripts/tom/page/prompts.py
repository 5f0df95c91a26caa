"""Prompts word for word: one near the top of the page, and those of all cells in a table."""

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tom.config.study import IN_SAMPLE
from tom.core.frames import roles_of
from tom.core.roles import BASE
from tom.evaluation.propensities import CELL, headline_view_of
from tom.games.game import load_game
from tom.games.kinds import load_number_game
from tom.games.names import file_stem
from tom.page.figures import means_told
from tom.page.html_tables import PROMPT, Table, to_table
from tom.prompts.contexts import load_context
from tom.prompts.number_questions import load_question, render_question
from tom.prompts.prompts import Messages, load_prompt_format, prompt_sha256, render
from tom.prompts.variants import LABELS, ORDERS, Variant
from tom.reporting.findings import ASKED
from tom.reporting.wording import readable

KEYS = ("split", *CELL, "order")
CHARACTERS = 1_500_000
"""Limit of all prompts on the page. Those of hundreds of games are longer, and their hashes alone are shown."""
LISTED = dict(zip(ORDERS, ("cooperation is listed first", "cooperation is listed last"), strict=True))
MEANINGS = {
    PROMPT: ("", "", "messages before the model's chat template; none where their texts have changed since"),
    "prompt_sha256": ("", "", "of the messages, before any chat template, and of what the config says of it"),
}


@dataclass(frozen=True)
class Example:
    """A prompt near the top of the page. listed: its option order. told: how often each model cooperates there.

    asked: in which orders the students were, for these figures.
    """

    game: str
    context: str
    listed: str
    messages: Messages
    told: str
    asked: str


def choice_prompts(rates: pl.DataFrame, texts: list[Path], config: dict) -> list[dict]:
    """A row for each split, game, context and option order that a model was asked in, with its `messages`.

    rates: the table of every split. texts: the files that prompts are written from. Messages have the hash of those
    that were asked; they are None where no file gives them, and beyond CHARACTERS. Errors: UserError names a bad text.
    """
    files = _by_folder(texts)
    formats = [load_prompt_format(file) for (folder, _), file in files.items() if folder == "prompt_formats"]
    templates = [config[role]["template"] for role in ("student", "teacher") if "template" in config[role]]
    sections = [None, *(json.dumps(template, sort_keys=True) for template in templates)]
    asked = rates.select(*KEYS, "prompt_sha256").drop_nulls("prompt_sha256").unique(maintain_order=True)
    rows, length = [], 0
    for row in asked.iter_rows(named=True):
        game, context = files.get(("games", file_stem(row["game"]))), files.get(("contexts", row["context"]))
        messages = None
        if game and context and length < CHARACTERS:
            cell = load_game(game, row["game"]), load_context(context), Variant(row["order"], LABELS[0])
            told = [form for form in formats if cell[0].has_cooperation or not form.reveals_meanings]
            written = [render(form, *cell) for form in told]
            hashes = {prompt_sha256(found, section): found for found in written for section in sections}
            messages = hashes.get(row["prompt_sha256"])
        length += sum(len(message["content"]) for message in messages or [])
        rows.append(row | {"messages": messages})
    return rows


def number_prompts(means: pl.DataFrame | None, texts: list[Path]) -> list[dict]:
    """The same of cells in which a number is named. means: the table number_means; None without such cells."""
    files, rows = _by_folder(texts), []
    cells = [] if means is None else means.select("split", *CELL).unique(maintain_order=True).rows()
    for split, name, context in cells:
        row = {"split": split, "game": name, "context": context, "order": None, "prompt_sha256": None, "messages": None}
        if file := files.get(("games", file_stem(name))):
            game = load_number_game(file, name)
            question, situation = files.get(("numbers", game.question)), files.get((game.contexts, context))
            if question and situation:
                messages = render_question(load_question(question, game), game, load_context(situation))
                row |= {"messages": messages, "prompt_sha256": prompt_sha256(messages)}
        rows.append(row)
    return rows


def prompt_table(rows: list[dict], files: list[str]) -> Table:
    """The prompts as one text each. rows: of choice_prompts and number_prompts."""
    texts = [text_of(row["messages"]) if row["messages"] else None for row in rows]
    columns = {name: [row[name] for row in rows] for name in (*KEYS, "prompt_sha256")}
    frame = pl.DataFrame(columns | {PROMPT: texts}, schema=dict.fromkeys((*KEYS, "prompt_sha256", PROMPT), pl.String))
    about = "Each as it was asked, before the model's chat template."
    return to_table(frame, MEANINGS, "prompts-table", "All prompts", about, files, KEYS)


def text_of(messages: Messages) -> str:
    """Messages as one text, role by role."""
    return "\n\n".join(f"[{message['role']}]\n{message['content']}" for message in messages)


def example(rows: list[dict], propensities: pl.DataFrame) -> Example | None:
    """A prompt of the in-sample cell in which base and tuned student differ most, with its models' propensities.

    None where no text is known. rows: of choice_prompts; the first of the cell is shown.
    """
    view = headline_view_of(propensities)
    cells = propensities.filter(split=IN_SAMPLE, level="cell", view=view)
    means = cells.group_by(*CELL, roles_of().alias("role")).agg(pl.coalesce("exact", "rate").mean().alias("mean"))
    base, tuned = (means.filter(role=name).drop("role") for name in (BASE, "tuned"))
    moved = base.join(tuned, on=CELL, suffix="_tuned").with_columns(moved=(pl.col("mean_tuned") - pl.col("mean")).abs())
    # Equal ones by their names, so that the same tables give the same page.
    order = moved.drop_nulls("moved").sort("moved", *CELL, descending=[True, False, False]).select(CELL).rows()
    asked = {}
    for row in rows:
        if row["split"] == IN_SAMPLE and row["messages"]:
            asked.setdefault((row["game"], row["context"]), row)
    row = next((asked[cell] for cell in order if cell in asked), None)
    if row is None:
        return None
    told = means_told(means.filter(game=row["game"], context=row["context"]).select("role", "mean"))
    names = readable(row["game"]), readable(row["context"])
    return Example(*names, LISTED[row["order"]], row["messages"], told, ASKED[view])


def _by_folder(files: list[Path]) -> dict[tuple[str, str], Path]:
    """(name of a file's folder, its own without suffix) → the file."""
    return {(file.parent.name, file.stem): file for file in files}
