"""Prompts of games in which players name a number."""

from dataclasses import dataclass
from pathlib import Path

from tom.core.yaml_files import read_checked
from tom.games.number_game import NumberGame
from tom.prompts.contexts import Context
from tom.prompts.prompts import Messages, check_fields


@dataclass(frozen=True)
class NumberQuestion:
    """A question for a number: the templates of its messages. max_tokens: the limit of a free reply, in tokens."""

    name: str
    max_tokens: int
    system: str
    user: str


def load_question(file: str | Path, game: NumberGame) -> NumberQuestion:
    """Read a question file for this game.

    Errors: UserError names the file and the key, also if a template has a field that is neither the game's nor
    `situation`.
    """
    document = read_checked(file, "number_question")
    for key in ("system", "user"):
        check_fields(document[key], (*game.fields(), "situation"), f"{file}: {key}")
    return NumberQuestion(Path(file).stem, **document)


def render_question(question: NumberQuestion, game: NumberGame, context: Context) -> Messages:
    """The system and the user message of one cell."""
    fields = game.fields() | {"situation": context.situation}
    return [
        {"role": "system", "content": question.system.format(**fields)},
        {"role": "user", "content": question.user.format(**fields)},
    ]
