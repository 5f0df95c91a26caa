"""Reading a reply: which choice it makes, by which rule, or why none can be read.

Rules, in the order in which they are tried; the first that says something decides, and none is a guess:

1. `no_text`: nothing but white space and markup → empty.
2. `closing_choice` (motivation_then_choice): a last sentence or a label (`Choice: C`) → read.
3. `cut_off` (motivation_then_choice): the reply ended for its length before its closing choice → truncated.
4. `last_statement` (motivation_then_choice): whatever was said last to be chosen → read.
5. `letter_alone`, `labelled`, `leading_letter`, `stated_choice` (tom/parsing/statements.py): all of them agree → read,
   by the first of these that spoke; else `differing_statements` → ambiguous.
6. `both_options`: a choice of "C or D" → ambiguous.
7. `cut_off`: the reply ended for its length → truncated.
8. `judged_best`: "the best choice is C", and nothing set against it → read.
9. `refusal` → refused.
10. `no_choice` → off_format.

What a reply says of the other player, of a case ("if I choose C"), or what it denies is no statement
(tom/parsing/assertions.py). Options may be words or single letters, except the pronoun I.
"""

import re
from dataclasses import dataclass

from tom.engines.interface import Reply
from tom.parsing.refusals import is_refusal
from tom.parsing.reply_text import plain_text
from tom.parsing.statements import RULES, Statement, capitalise_marked_letters, find_statements
from tom.prompts.prompts import CHOICE_LAST

_CONTRAST = re.compile(
    r"\b(?:but|however|although|though|yet|whereas|while|nevertheless|on\s+the\s+other\s+hand)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Reading:
    """One of OUTCOMES, the rule that found it, and the option that was read, None with any outcome but `read`."""

    outcome: str
    rule: str
    option: str | None = None


def read_choice(reply: Reply, form: str, options: tuple[str, str]) -> Reading:
    """What a reply in one of FORMS chooses among two options, given as they were offered ("C", "cooperate")."""
    text = plain_text(capitalise_marked_letters(reply.text, options))
    if not text:
        return Reading("empty", "no_text")
    cut = reply.finish == "length"
    said = [statement for statement in find_statements(text, options) if not (cut and _may_go_on(statement))]
    clear = [statement for statement in said if len(statement.options) == 1]
    choices = [statement for statement in clear if statement.rule != "judged_best"]
    if form == CHOICE_LAST:
        if closing := _closing(choices, cut):
            return _agreed(closing, "closing_choice")
        if cut:
            return Reading("truncated", "cut_off")
        if choices and choices[-1].rule == "stated_choice":
            last = [statement for statement in choices if statement.sentence == choices[-1].sentence]
            return _agreed(last, "last_statement")
    if choices:
        return _agreed(choices, min((statement.rule for statement in choices), key=RULES.index))
    if any(len(statement.options) == 2 for statement in said):
        return Reading("ambiguous", "both_options")
    if cut:
        return Reading("truncated", "cut_off")
    if clear and not _CONTRAST.search(text):
        return _agreed(clear, "judged_best")
    return Reading("refused", "refusal") if is_refusal(text, options) else Reading("off_format", "no_choice")


def _may_go_on(statement: Statement) -> bool:
    """Whether a letter is all that a cut-off reply holds of its last sentence: "I trust them. D" goes on somehow."""
    return statement.rule == "letter_alone" and statement.in_last_sentence and statement.sentence > 0


def _closing(choices: list[Statement], cut: bool) -> list[Statement]:
    """Labelled choices and a letter that is all of the last sentence; in a reply that was cut off, its last label.

    With them what is stated after the first of them: reasons come before the choice, so that is no reason.
    """
    closing = [
        statement
        for statement in choices
        if (statement.rule == "labelled" and (statement.in_last_sentence or not cut))
        or (statement.rule == "letter_alone" and statement.in_last_sentence)
    ]
    later = [
        statement
        for statement in choices
        if closing and statement.rule == "stated_choice" and statement.sentence > closing[0].sentence
    ]
    return closing + later


def _agreed(statements: list[Statement], rule: str) -> Reading:
    options = frozenset.union(*(statement.options for statement in statements))
    return Reading("read", rule, *options) if len(options) == 1 else Reading("ambiguous", "differing_statements")
