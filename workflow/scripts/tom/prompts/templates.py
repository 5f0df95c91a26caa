"""How a model's chat template is used: what is fixed of it, who speaks in it, and which texts are marks of its own.

A prompt is what the model sees, so its tokens follow from the messages, the files of the tokenizer, and the config's
`template` section alone. What a template would take from elsewhere, such as today's date, is refused unless that
section fixes it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from tom.core.errors import UserError
from tom.core.files import read_json
from tom.prompts.special_tokens import RESERVED, SpecialTokens

PLAIN_TEXT = "plain_text"
"""The `template` of a base model, which was trained on no template: messages as paragraphs, a reply after `Answer:`."""
PLAIN_TEMPLATE = (
    "{% for message in messages %}{% if message.role == 'assistant' %}Answer: {{ message.content }}{{ eos_token }}\n"
    "{% else %}{{ message.content }}\n\n{% endif %}{% endfor %}{% if add_generation_prompt %}Answer:{% endif %}"
)
GENERATION_CONFIG, CONFIG = "generation_config.json", "config.json"
TODAY = "strftime_now"
"""The function that gives a template today's date; in the config, the date that it gives instead."""
MARK = re.compile(r"<\|?[^<>\s{}%]{1,40}\|?>|<</?[A-Z]+>>|\[/?[A-Z_]{2,}\]")
"""A mark in a template's source, such as <|im_end|>, <</SYS>> or [INST], which need not be one token."""
DRAWS = re.compile(r"\|\s*random\b|\blipsum\b")
"""What Jinja draws at random."""

Section = Mapping[str, Any] | str
"""The `template` section of a model: variables of its template, or plain_text."""


@dataclass
class Template:
    """A tokenizer's chat template, with what the config says of it. ends: the ids of tokens that end a turn."""

    tokenizer: Any
    section: Section = field(default_factory=dict)
    ends: frozenset[int] = frozenset()

    @property
    def name(self) -> str:
        """The model's, for messages."""
        return self.tokenizer.name_or_path

    @cached_property
    def source(self) -> str:
        """The template. Errors: UserError if there is none."""
        try:
            return self.tokenizer.get_chat_template()
        except ValueError:
            raise UserError(
                f"{self.name}: the tokenizer has no chat template (allowed: template: {PLAIN_TEXT}, for a base model)"
            ) from None

    @cached_property
    def known_variables(self) -> list[str]:
        """The variables that the template reads and does not set itself."""
        from transformers.utils.chat_template_utils import _get_template_variables

        given = {"messages", "add_generation_prompt", "raise_exception", "namespace", "range", "loop", "dict", "tools"}
        given |= {"documents", *self.tokenizer.special_tokens_map}
        read = _get_template_variables(self.source) - given
        return sorted(read | {TODAY} if TODAY in self.source else read)

    @cached_property
    def variables(self) -> dict[str, Any]:
        """What the template is rendered with besides messages.

        Errors: UserError if the section names what the template doesn't read, or the template draws at random.
        """
        variables = {} if self.section == PLAIN_TEXT else dict(self.section)
        if unknown := sorted(set(variables) - set(self.known_variables)):
            known = ", ".join(self.known_variables) or "none, since it has no variables"
            raise UserError(
                f"{self.name}: template.{unknown[0]}: its chat template has no such variable (allowed: {known})"
            )
        if DRAWS.search(self.source):
            raise UserError(f"{self.name}: its chat template draws at random (allowed: a template that does not)")
        try:
            day = date.fromisoformat(variables[TODAY]) if TODAY in variables else None
        except ValueError:
            raise UserError(f"{self.name}: template.{TODAY}: {variables[TODAY]} is no date") from None

        def strftime_now(form: str) -> str:
            if day is None:
                also = [name for name in self.known_variables if "date" in name]
                raise UserError(
                    f"{self.name}: its chat template asks for today's date, and a prompt would change from day to day"
                    f' (allowed: template.{TODAY}: "2024-07-26", or another date{"; or template.".join(["", *also])})'
                )
            return day.strftime(form)

        return variables | {TODAY: strftime_now}

    @cached_property
    def takes_system(self) -> bool:
        """Whether the template prints a system message of its own; otherwise it is put before the first user's text."""
        probe = [{"role": "system", "content": "alpha beta"}, {"role": "user", "content": "gamma delta"}]
        try:
            return "alpha beta" in self._render(probe, generate=True)
        except TemplateError:
            return False

    @cached_property
    def marks(self) -> re.Pattern:
        """The texts that the model would read as something else than text."""
        special = {token.content for token in self.tokenizer.added_tokens_decoder.values() if token.special}
        special |= set(self.tokenizer.all_special_tokens) | set(self.tokenizer.convert_ids_to_tokens(sorted(self.ends)))
        special |= set(MARK.findall(self.source))
        found = sorted((mark for mark in special if mark and not mark.isspace()), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, found)) or "(?!)")

    @cached_property
    def special_tokens(self) -> SpecialTokens:
        """Those of the tokenizer, for texts that hold some."""
        return SpecialTokens(self.tokenizer)

    def as_text(self, text: str, role: str) -> str:
        """A text with a stand-in for each mark that is a token, so that it is tokenised as text. role: who says it.

        Errors: UserError for a mark that the template writes as text itself: the model can't tell the two apart.
        """

        def stand_in(found: re.Match) -> str:
            if found[0] in self.special_tokens.ids:
                return self.special_tokens.hide(found[0])
            around = text[max(0, found.start() - 20) : found.end() + 20]
            raise UserError(
                f"{self.name}: a text of the {role} holds {found[0]!r}, a mark of the chat template that is no token of"
                f" its own, so the model can't tell it from the template's: …{around!r}… (allowed: texts without it)"
            )

        if RESERVED.search(text):
            raise UserError(f"{self.name}: a text of the {role} holds a Unicode noncharacter (allowed: texts without)")
        return self.marks.sub(stand_in, text)

    def render(self, messages: list[dict[str, str]], generate: bool) -> str:
        """The conversation as text; generate: up to where the assistant's reply begins.

        Marks in messages are stand-ins (as_text), which tom/prompts/chat.py tokenises. Errors: UserError if the
        template can't render it, or if a message holds a mark that can't be told from the template's.
        """
        messages = [message | {"content": self.as_text(message["content"], message["role"])} for message in messages]
        if messages[0]["role"] == "system" and not self.takes_system:
            first, second, *rest = messages
            messages = [second | {"content": f"{first['content']}\n\n{second['content']}"}, *rest]
        try:
            return self._render(messages, generate)
        except TemplateError as error:
            raise UserError(f"{self.name}: its chat template can't be used: {error}") from None

    def _render(self, messages: list[dict[str, str]], generate: bool) -> str:
        settings = {"tokenize": False, "add_generation_prompt": generate, **self.variables}
        try:
            return self.tokenizer.apply_chat_template(messages, chat_template=self.source, **settings)
        except UserError:
            raise
        except (TypeError, ValueError) as error:
            raise TemplateError(str(error)) from None


def use_template(tokenizer, folder: Path, section: Section | None) -> None:
    """Let prompts of this tokenizer follow the config's `template` section.

    folder: of the model, whose generation_config.json, or config.json without one, lists the tokens that end a turn.
    """
    if section == PLAIN_TEXT:
        # A template writes its own BOS, where the family has one.
        begins = tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
        tokenizer.chat_template = ("{{ bos_token }}" if begins else "") + PLAIN_TEMPLATE
    tokenizer.tom_template = Template(tokenizer, section or {}, frozenset(_listed_ends(folder)) | _own_end(tokenizer))


def template_of(tokenizer) -> Template:
    """The template that `use_template` has set, or the tokenizer's own with nothing set."""
    if not hasattr(tokenizer, "tom_template"):
        tokenizer.tom_template = Template(tokenizer, {}, _own_end(tokenizer))
    return tokenizer.tom_template


def _own_end(tokenizer) -> frozenset[int]:
    return frozenset() if tokenizer.eos_token_id is None else frozenset([tokenizer.eos_token_id])


def _listed_ends(folder: Path) -> list[int]:
    for name in (GENERATION_CONFIG, CONFIG):
        if (folder / name).is_file():
            listed = read_json(folder / name).get("eos_token_id")
            return listed if isinstance(listed, list) else [] if listed is None else [listed]
    return []
