"""From a game, a context and a variant to the chat messages a player reads."""

import hashlib
import json
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from tom.contexts import Context
from tom.documents import read_checked
from tom.games import Game
from tom.variants import Variant

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Elicitation:
    """How a player is asked: templates of the system and user messages and of one outcome line."""

    name: str
    system: str
    user: str
    outcome: str


def load_elicitation(file: str | Path) -> Elicitation:
    """Read an elicitation file. Errors: BadInput names the file and the key."""
    document = read_checked(file, "elicitation")
    return Elicitation(Path(file).stem, document["system"], document["user"], document["outcome"])


def list_outcomes(template: str, game: Game, variant: Variant) -> str:
    """The four outcomes, one a line, the first-listed action's first."""
    lines = []
    for mine, theirs in product(variant.actions(), repeat=2):
        my_points, their_points = game.points(mine, theirs)
        lines.append(
            template.format(
                mine=variant.label(mine),
                theirs=variant.label(theirs),
                my_points=f"{my_points:g}",
                their_points=f"{their_points:g}",
            )
        )
    return "\n".join(lines)


def render(elicitation: Elicitation, game: Game, context: Context, variant: Variant) -> Messages:
    """System and user message of one cell in one variant."""
    first, second = (variant.label(action) for action in variant.actions())
    fields = {
        "first": first,
        "second": second,
        "outcomes": list_outcomes(elicitation.outcome, game, variant),
        "situation": context.situation,
    }
    return [
        {"role": "system", "content": elicitation.system.format(**fields)},
        {"role": "user", "content": elicitation.user.format(**fields)},
    ]


def prompt_sha256(messages: Messages) -> str:
    """Hash of the messages before any chat template, so that models of two families can be compared."""
    canonical = json.dumps(messages, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
