"""From a public goods game and a context to the chat messages a player reads."""

from dataclasses import dataclass
from pathlib import Path

from tom.asking.contexts import Context
from tom.asking.number_games import SHARING, NumberGame
from tom.asking.prompts import Messages, check_fields
from tom.documents import read_checked

FIELDS = ("players", "others", "endowment", "multiplier", "sharing", "situation")
"""What the templates may hold."""


@dataclass(frozen=True)
class NumberQuestion:
    """How a player is asked for a number: templates of the messages, and the longest free reply in tokens."""

    name: str
    max_tokens: int
    system: str
    user: str


def load_question(file: str | Path) -> NumberQuestion:
    """Read such a file. Errors: BadInput names the file and the key."""
    document = read_checked(file, "number_question")
    for key in ("system", "user"):
        check_fields(document[key], FIELDS, f"{file}: {key}")
    return NumberQuestion(Path(file).stem, **document)


def render_question(elicitation: NumberQuestion, game: NumberGame, context: Context) -> Messages:
    """System and user message of one cell."""
    fields = {
        "players": game.players,
        "others": game.players - 1,
        "endowment": game.endowment,
        "multiplier": f"{game.multiplier:.12g}",
        "sharing": SHARING[game.sharing],
        "situation": context.situation,
    }
    return [
        {"role": "system", "content": elicitation.system.format(**fields)},
        {"role": "user", "content": elicitation.user.format(**fields)},
    ]
