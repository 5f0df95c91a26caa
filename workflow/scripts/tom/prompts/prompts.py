"""Rendering a game, a context and a variant as chat messages."""

import hashlib
import json
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from string import Formatter

from tom.core.errors import UserError
from tom.core.yaml_files import read_checked
from tom.games import amounts
from tom.games.game import Game
from tom.prompts.contexts import Context
from tom.prompts.variants import Variant

Messages = list[dict[str, str]]
CHOICE, CHOICE_FIRST, CHOICE_LAST = FORMS = ("choice", "choice_then_motivation", "motivation_then_choice")
"""The form of a reply: the label alone, the label before its motivation, or the label after it."""
MESSAGE_FIELDS = ("first", "second", "first_means", "second_means", "kind", "outcomes", "situation")
FIELDS = {
    "system": MESSAGE_FIELDS,
    "user": MESSAGE_FIELDS,
    "outcome": ("mine", "theirs", "my_points", "their_points", "my_result", "their_result"),
}
"""Template of a prompt format → the fields that it may contain."""

MEANINGS = {True: "cooperate", False: "defect"}
"""The names of the actions in prompt formats that reveal them."""


@dataclass(frozen=True)
class PromptFormat:
    """How a player is asked.

    form: of the reply, one of FORMS. max_tokens: the limit of a reply. system, user: the templates of the messages.
    outcome: the template of the line of one outcome.
    """

    name: str
    form: str
    max_tokens: int
    system: str
    user: str
    outcome: str

    @property
    def reveals_meanings(self) -> bool:
        """Whether a prompt says which action is to cooperate."""
        return "_means}" in self.system + self.user

    @property
    def unit(self) -> str:
        """The unit of the payoffs in the prompt."""
        return "dollars" if "_result" in self.outcome else "points"


def load_prompt_format(file: str | Path) -> PromptFormat:
    """Read a prompt format file. Errors: UserError names the file and the key."""
    document = read_checked(file, "prompt_format")
    for key, fields in FIELDS.items():
        check_fields(document[key], fields, f"{file}: {key}")
    return PromptFormat(Path(file).stem, **{key: document[key] for key in ("form", "max_tokens", *FIELDS)})


def check_fields(template: str, fields: tuple[str, ...], where: str) -> None:
    """Raise UserError for a malformed template or an unknown field. where: the file and the key, for the message."""
    try:
        found = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    if unknown := sorted(found - set(fields)):
        raise UserError(f"{where}: unknown field {{{unknown[0]}}} (allowed: {', '.join(fields)})")


def list_outcomes(template: str, game: Game, variant: Variant) -> str:
    """The four outcomes, one per line, in the option order of the variant."""
    lines = []
    for mine, theirs in product(variant.actions(), repeat=2):
        mine_gets, they_get = game.points(mine, theirs)
        lines.append(
            template.format(
                mine=variant.label(mine),
                theirs=variant.label(theirs),
                my_points=amounts.points(mine_gets),
                their_points=amounts.points(they_get),
                my_result=amounts.result(mine_gets),
                their_result=amounts.result(they_get),
            )
        )
    return "\n".join(lines)


def render(prompt_format: PromptFormat, game: Game, context: Context, variant: Variant) -> Messages:
    """The system and the user message of one cell in one variant.

    Errors: UserError if the format reveals meanings that the game's actions don't have.
    """
    if prompt_format.reveals_meanings and not game.has_cooperation:
        raise UserError(
            f"prompt_format: '{prompt_format.name}' says which action cooperates, and none does in {game.name}"
            " (allowed: a prompt format without first_means and second_means)"
        )
    first, second = variant.actions()
    fields = {
        "first": variant.label(first),
        "second": variant.label(second),
        "first_means": MEANINGS[first],
        "second_means": MEANINGS[second],
        "kind": variant.kind,
        "outcomes": list_outcomes(prompt_format.outcome, game, variant),
        "situation": context.situation,
    }
    return [
        {"role": "system", "content": prompt_format.system.format(**fields)},
        {"role": "user", "content": prompt_format.user.format(**fields)},
    ]


def prompt_sha256(messages: Messages, template: str | None = None) -> str:
    """SHA-256 of the messages and of what the config says of the chat template, JSON; without that, of messages alone.

    With the hash of the model's files, its template among them, it identifies the tokens of the prompt.
    """
    canonical = json.dumps(messages, ensure_ascii=False, separators=(",", ":")) + (template or "")
    return hashlib.sha256(canonical.encode()).hexdigest()
