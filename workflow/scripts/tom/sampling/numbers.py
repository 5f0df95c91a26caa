"""The procedure `numbers`: exact probabilities of each number and draws from them, or free replies.

A number is scored as the whole reply, end of turn included: `10` begins with `1`, so as beginnings of replies the two
would share probability (docs/decisions.md).
"""

import math

import numpy as np

from tom.core.random import cell_generator
from tom.engines.interface import SEEDS, ChoiceScore, Engine, Question, Request
from tom.games.kinds import load_number_game
from tom.games.number_game import NumberGame
from tom.parsing.number_readings import read_number
from tom.prompts.cells import CellFiles
from tom.prompts.contexts import load_context
from tom.prompts.number_questions import load_question, render_question
from tom.prompts.prompts import prompt_sha256
from tom.sampling import shards
from tom.sampling.procedures import SamplingSettings

COLUMNS = shards.NUMBER_COLUMNS


def observe(engine: Engine, files: CellFiles, settings: SamplingSettings, fields: dict) -> list[dict]:
    """Score rows, one for each number, then observation rows; from an engine that can't score, free replies alone."""
    game = load_number_game(files.game_file, files.game)
    question = load_question(files.prompt_format_file, game)
    messages = render_question(question, game, load_context(files.context_file))
    generator = cell_generator(settings.seed, fields["model"], fields["game"], fields["context"])
    fields = fields | {"temperature": settings.temperature, "seed": settings.seed}
    fields["prompt_sha256"] = prompt_sha256(messages, fields.get("template"))
    fields["tokens_sha256"] = engine.tokens_sha256(messages)
    scores = engine.score([Question(messages, tuple(map(str, game.choices())), ends=True)])
    if scores is None:
        request = Request(
            messages=messages,
            count=settings.observations,
            max_tokens=question.max_tokens,
            temperature=settings.temperature,
            top_p=settings.top_p,
            seed=int(generator.integers(SEEDS)),
        )
        rows, replied = [], _free_replies(engine, request, game, fields | {"top_p": settings.top_p})
    else:
        rows = _score_rows(scores[0], game, settings.temperature, fields)
        replied = _draws(rows, settings.observations, generator)
    return rows + [row | {"record": "observation", "observation": number} for number, row in enumerate(replied)]


def _score_rows(score: ChoiceScore, game: NumberGame, temperature: float, fields: dict) -> list[dict]:
    """A row for each amount; their probabilities sum to 1."""
    shares = [score.probability(place, temperature) for place in range(len(game.choices()))]
    whole = math.fsum(shares)
    return [
        fields | {"record": "score", "number": amount, "probability": share / whole, "option_mass": score.option_mass}
        for amount, share in zip(game.choices(), shares, strict=True)
    ]


def _draws(rows: list[dict], observations: int, generator: np.random.Generator) -> list[dict]:
    """Replies drawn from the probabilities of score rows."""
    drawn = generator.choice(len(rows), size=observations, p=[row["probability"] for row in rows])
    return [
        rows[index] | {"probability": None, "raw": str(rows[index]["number"]), "outcome": "read", "rule": "drawn"}
        for index in drawn
    ]


def _free_replies(engine, request: Request, game: NumberGame, fields: dict) -> list[dict]:
    """Replies as given; the number is null if it can't be read."""
    (replies,) = engine.reply([request])
    readings = [read_number(reply, game.choices()) for reply in replies]
    return [
        fields
        | {"raw": reply.text, "finish": reply.finish, "reply_tokens": reply.tokens}
        | {"number": reading.amount, "outcome": reading.outcome, "rule": reading.rule}
        for reply, reading in zip(replies, readings, strict=True)
    ]
