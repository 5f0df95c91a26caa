"""What an endpoint's teacher will be asked: requests, tokens and cost, by arithmetic or as finished cells took."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from math import ceil
from pathlib import Path

import polars as pl

from tom.core.errors import UserError
from tom.core.random import share_out
from tom.engines.endpoint import Usage, read_key
from tom.games.names import members
from tom.planning.plan_lines import due_jobs

RULE = "sample_endpoint"
CHARACTERS_A_TOKEN = 4
"""Of English prompts, roughly; an endpoint's tokenizer is unknown."""


def game_usage(
    observations: int, variants: int, scored: int, n_per_request: int, max_tokens: int, prompt_characters: int
) -> Usage:
    """What one game in one context takes: requests exactly, prompt tokens roughly, tokens of replies at most.

    variants: prompts that replies are drawn from, in equal shares. scored: prompts whose first token is asked for.
    max_tokens: of a reply. prompt_characters: of a prompt.
    """
    requests = scored + sum(ceil(share / n_per_request) for share in share_out(observations, variants))
    prompt_tokens = requests * ceil(prompt_characters / CHARACTERS_A_TOKEN)
    return Usage(requests, 0, prompt_tokens, scored + observations * max_tokens)


def endpoint_lines(
    plan: pl.DataFrame,
    games: Mapping[str, Usage],
    scored: Mapping[str, int],
    usage: Path,
    prices: tuple[float | None, float | None],
    at_a_time: int,
) -> list[str]:
    """The line of a plan about its endpoint; none where nothing is asked there.

    plan: forecast's. games: how a cell is asked, a folder's name → what a game takes so. scored: likewise, its
    requests for exact probabilities. usage: the folder of what finished cells took. prices: of a million prompt tokens,
    and of a million tokens of replies. at_a_time: requests under way in the whole run.
    """
    due = [Path(output) for output in due_jobs(plan).filter(rule=RULE)["output"]]
    if not due:
        return []
    # …/{model}-{weights}/{asking}/{game}/{context}.parquet: those of one folder are asked alike.
    asked = Counter({file.parts[-4:-2]: 0 for file in due})
    for file in due:
        asked[file.parts[-4:-2]] += len(members(file.parts[-2]))
    total, cells, timed = Usage(), 0, True
    for (model, asking), number in asked.items():
        took = _usage_of_a_game(sorted((usage / model / asking).rglob("*.json")))
        cells += took[1]
        timed &= took[1] > 0
        each = took[0] if took[1] else games[asking]
        total += _times(each, number)
    # Requests follow from the config, whatever finished cells took.
    requests = sum(games[asking].requests * number for (_, asking), number in asked.items())
    exact = sum(scored[asking] * number for (_, asking), number in asked.items())
    cost = total.cost(*prices)
    most = "about" if timed else "at most"
    words = [
        f"endpoint: {requests:,} requests in {len(due)} job(s), {exact:,} of them for exact probabilities;"
        f" {at_a_time} at a time, {requests / at_a_time / 3600:.2f} hours at 1 s a request; about"
        f" {total.prompt_tokens:,} prompt tokens and {most} {total.completion_tokens:,} tokens of replies"
        + (f"; cost {most} {cost:.2f} in the currency of teacher.endpoint.prices" if cost is not None else "")
    ]
    if timed:
        words.append(f"(tokens as in {cells} finished cells).")
    else:
        words.append(f"({CHARACTERS_A_TOKEN} characters a prompt token; replies as long as max_tokens allows).")
    words += ["No prices in teacher.endpoint, so no cost."] if cost is None else []
    return [" ".join([*words, "Answers in partial/ are not asked for again."])]


def without_key(variable: str) -> str:
    """What to do where the environment variable of a key is not set."""
    return f'export {variable}=..., or key_variable: "" for a server without keys'


def missing_key(plan: pl.DataFrame, variable: str) -> str:
    """What to do where a run would be refused for the key of its endpoint; empty where it would not be.

    plan: forecast's. variable: the environment variable of the key.
    """
    if due_jobs(plan).filter(rule=RULE).is_empty():
        return ""
    try:
        read_key(variable, "")
    except UserError:
        return without_key(variable)
    return ""


def _usage_of_a_game(files: list[Path]) -> tuple[Usage, int]:
    """The mean of what finished games took, rounded up, and the number of their cells."""
    total, games, cells = Usage(), 0, 0
    for file in files:
        document = json.loads(file.read_text())
        found = Usage(**{field.name: document[field.name] for field in fields(Usage)})
        # An answer without a count would make the mean too small.
        if not found.uncounted:
            total, games, cells = total + found, games + len(members(file.parent.name)), cells + 1
    return (_times(total, 1 / games) if games else Usage()), cells


def _times(usage: Usage, factor: float) -> Usage:
    return Usage(*(ceil(getattr(usage, field.name) * factor) for field in fields(Usage)))
