"""From a game in which a number is named and a context to the chat messages a player reads."""

from dataclasses import dataclass
from pathlib import Path

from tom.core.yaml_files import read_checked
from tom.games.number_game import NumberGame
from tom.prompts.contexts import Context
from tom.prompts.prompts import Messages, check_fields


@dataclass(frozen=True)
class NumberQuestion:
    """How a player is asked for a number: templates of the messages, and the longest free reply in tokens."""

    name: str
    max_tokens: int
    system: str
    user: str


def load_question(file: str | Path, game: NumberGame) -> NumberQuestion:
    """Read such a file, whose templates may hold the game's fields and the situation. Errors: UserError."""
    document = read_checked(file, "number_question")
    for key in ("system", "user"):
        check_fields(document[key], (*game.fields(), "situation"), f"{file}: {key}")
    return NumberQuestion(Path(file).stem, **document)


def render_question(question: NumberQuestion, game: NumberGame, context: Context) -> Messages:
    """System and user message of one cell."""
    fields = game.fields() | {"situation": context.situation}
    return [
        {"role": "system", "content": question.system.format(**fields)},
        {"role": "user", "content": question.user.format(**fields)},
    ]
