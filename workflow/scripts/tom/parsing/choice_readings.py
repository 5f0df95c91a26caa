"""Reading a reply: the choice that it states and the rule that found it, or the reason why it has none.

An endpoint's reply that was withheld, or is a call of a tool, is not read (NO_REPLY in tom/parsing/outcomes.py). Else
the rules, in this order; the first that applies decides, and no choice is ever guessed:

1. `in_reasoning`: the reply ends inside the model's reasoning → truncated.
2. `no_text`: only white space, markup and reasoning → empty.
3. `closing_choice` (motivation_then_choice): the choice is the last sentence or has a label (`Choice: C`) → read.
4. `cut_off` (motivation_then_choice): the reply was truncated before its closing choice → truncated.
5. `last_statement` (motivation_then_choice): a statement after which no option is weighed any more → read.
6. `letter_alone`, `labelled`, `leading_letter`, `stated_choice` (tom/parsing/statements.py): if all statements agree →
   read, by the first of these rules that applies; else `differing_statements` → ambiguous.
7. `both_options`: a choice of "C or D", or a share for each → ambiguous.
8. `cut_off`: the reply was truncated → truncated.
9. `judged_best`: "the best choice is C", without a contrast such as "however" behind it → read.
10. `refusal` → refused.
11. `no_choice` → off_format.

What a model says to itself is never read (tom/parsing/reasoning.py). Clauses about the other player, about a
hypothetical case ("if I choose C"), about earlier rounds, wishes, lines of payoffs, or with a negation are not
statements (tom/parsing/assertions.py). A statement with a probability ("I choose C with a chance of 60%") names both
options. Options can be words or single letters, except the pronoun I.
"""

import re
from dataclasses import dataclass

from tom.engines.interface import Reply
from tom.parsing.assertions import is_past
from tom.parsing.outcomes import NO_REPLY
from tom.parsing.reply_text import is_refusal, plain_text, visible_text
from tom.parsing.statements import RULES, Statement, capitalise_marked_letters, find_statements, is_distribution
from tom.prompts.prompts import CHOICE_LAST


@dataclass(frozen=True)
class Reading:
    """outcome: one of OUTCOMES.

    rule: the rule that decided. option: the option that was read; None for other outcomes.
    """

    outcome: str
    rule: str
    option: str | None = None


def read_choice(reply: Reply, form: str, options: tuple[str, str]) -> Reading:
    """Read which of two options a reply chooses.

    form: one of FORMS (tom/prompts/prompts.py). options: the labels as the prompt had them, e.g. ("C", "D").
    """
    if reply.finish in NO_REPLY:
        return Reading(NO_REPLY[reply.finish], reply.finish)
    visible, unfinished = visible_text(reply.text)
    text = plain_text(capitalise_marked_letters(visible, options))
    if unfinished:
        return Reading("truncated", "in_reasoning")
    if not text:
        return Reading("empty", "no_text")
    cut = reply.finish == "length"
    said = [statement for statement in find_statements(text, options) if not (cut and _may_go_on(statement))]
    clear = [statement for statement in said if len(statement.options) == 1]
    choices = _settled([statement for statement in clear if statement.rule != "judged_best"])
    if form == CHOICE_LAST:
        if closing := _closing(choices, cut):
            return _agreed(closing, "closing_choice")
        if cut:
            return Reading("truncated", "cut_off")
        if last := [statement for statement in choices if statement.rule == "stated_choice" and _concludes(statement)]:
            return _agreed([one for one in last if one.sentence == last[-1].sentence], "last_statement")
        if all(statement.rule == "stated_choice" for statement in choices):
            choices = []
        clear = [statement for statement in clear if statement.in_last_sentence and "dominant" not in statement.phrase]
    if choices:
        return _agreed(choices, min((statement.rule for statement in choices), key=RULES.index))
    if any(len(statement.options) == 2 for statement in said) or is_distribution(text, options):
        return Reading("ambiguous", "both_options")
    if cut:
        return Reading("truncated", "cut_off")
    judged = [statement for statement in clear if statement.rule == "judged_best" and not statement.contrasted]
    if judged:
        return _agreed(judged, "judged_best")
    return Reading("refused", "refusal") if is_refusal(text, options) else Reading("off_format", "no_choice")


def _may_go_on(statement: Statement) -> bool:
    """Whether a truncated reply ends in a sentence of a single letter, which may go on: "I trust them. D"."""
    return statement.rule == "letter_alone" and statement.in_last_sentence and statement.sentence > 0


def _settled(choices: list[Statement]) -> list[Statement]:
    """The same without an initial choice, where a final one follows."""
    if not any(re.search(r"\bfinal\b", statement.phrase, re.IGNORECASE) for statement in choices):
        return choices
    return [statement for statement in choices if not re.search(r"\binitial\b", statement.phrase, re.IGNORECASE)]


def _concludes(statement: Statement) -> bool:
    """Whether reasons end in this statement: what one would do counts only as a conclusion or in the last sentence,
    and what one should do, or did, only as a conclusion."""
    weak = re.search(r"\bshould\b", statement.phrase, re.IGNORECASE) or is_past(statement.phrase)
    return statement.weighed_last and (statement.decided or (statement.in_last_sentence and not weak))


def _closing(choices: list[Statement], cut: bool) -> list[Statement]:
    """The closing choices: labelled ones, a last sentence of a single letter, and statements after the first of these.

    In a truncated reply, a label counts only in the last sentence. Statements after a closing choice count, since
    the motivation comes before it.
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
