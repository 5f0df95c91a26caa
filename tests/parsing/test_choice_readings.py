import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tom.engines.interface import Reply
from tom.parsing import choice_readings as readings
from tom.parsing.choice_readings import Reading, read_choice
from tom.parsing.outcomes import FINISHES, OUTCOMES
from tom.prompts.prompts import FORMS

LETTERS = ("C", "D")
FORM = dict(zip(("choice", "first", "last"), FORMS, strict=True))
CORPUS = yaml.safe_load((Path(__file__).parents[1] / "helpers" / "awkward_replies.yaml").read_text())
AWKWARD = [(case.get("rule", rule), case) for rule, cases in CORPUS.items() for case in cases]
# Awkward replies, fragments of these in any order, and noise.
TEXTS = [case["text"] for _, case in AWKWARD]
PIECES = st.sampled_from(sorted({piece for text in TEXTS for piece in re.split(r"(?<=[\s.,])", text) if piece}))
FULL_REPLY = st.one_of(st.sampled_from(TEXTS), st.lists(PIECES, max_size=12).map("".join), st.text(max_size=60))
ALL_OPTIONS = st.sampled_from([LETTERS, ("A", "B"), ("cooperate", "defect"), ("share", "keep")])
FORMS_AND_FINISHES = {"form": st.sampled_from(FORMS), "finish": st.sampled_from(FINISHES)}


def read(text: str, form: str, options=LETTERS, finish: str = "stop") -> Reading:
    return read_choice(Reply(text, finish, tokens=1), form, options)


def words(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"\w+", text)}


@pytest.mark.parametrize(("rule", "case"), AWKWARD, ids=[f"{rule}: {case['text'][:40]!r}" for rule, case in AWKWARD])
def test_awkward_replies_are_read_as_a_person_would(rule, case):
    found = read(case["text"], FORM[case["form"]], tuple(case.get("options", LETTERS)), case.get("finish", "stop"))
    assert found == Reading(case.get("outcome", "read"), rule, case.get("option"))


def test_the_awkward_replies_show_every_outcome_form_and_rule():
    assert len(AWKWARD) >= 80
    assert {case.get("outcome", "read") for _, case in AWKWARD} == set(OUTCOMES)
    assert {case["form"] for _, case in AWKWARD} == set(FORM)
    assert {rule for rule, _ in AWKWARD} <= set(re.findall(r"`(\w+)`", readings.__doc__))


@given(text=FULL_REPLY, options=ALL_OPTIONS, **FORMS_AND_FINISHES)
def test_every_reply_gets_an_outcome_and_only_a_read_one_an_option_that_was_offered(text, options, form, finish):
    found = read(text, form, options, finish)
    assert found.outcome in OUTCOMES
    assert (found.option in options) if found.outcome == "read" else (found.option is None)


@given(text=FULL_REPLY, options=ALL_OPTIONS, **FORMS_AND_FINISHES)
def test_a_text_without_any_option_is_never_read(text, options, form, finish):
    found = read(text, form, options, finish)
    named = words(text) & {option.lower() for option in options}
    assert found.outcome != "read" or found.option.lower() in named


@given(text=FULL_REPLY, **FORMS_AND_FINISHES)
def test_swapping_the_letters_swaps_the_reading(text, form, finish):
    swap = {"C": "D", "D": "C", "c": "d", "d": "c"}
    exchanged = re.sub(r"(?<!['’])\b[CDcd]\b", lambda letter: swap[letter[0]], text)
    first, second = read(text, form, LETTERS, finish), read(exchanged, form, LETTERS, finish)
    assert (second.outcome, second.rule, second.option) == (first.outcome, first.rule, swap.get(first.option))


@given(text=FULL_REPLY, options=ALL_OPTIONS, **FORMS_AND_FINISHES)
def test_the_order_in_which_the_options_are_given_changes_nothing(text, options, form, finish):
    assert read(text, form, options, finish) == read(text, form, options[::-1], finish)


@given(
    text=st.sampled_from(TEXTS),
    wrapped=st.sampled_from(["\n\n{} \n", "**{}**", "*{}*", "`{}`", "```\n{}\n```", "> {}", "# {}", "__{}__"]),
    options=ALL_OPTIONS,
    **FORMS_AND_FINISHES,
)
def test_white_space_and_markup_around_a_reply_change_nothing(text, wrapped, options, form, finish):
    assert read(wrapped.format(text), form, options, finish) == read(text, form, options, finish)


@given(text=FULL_REPLY, options=ALL_OPTIONS, form=st.sampled_from(FORMS))
def test_a_truncated_reply_is_never_read_as_another_choice(text, options, form):
    whole, cut = (read(text, form, options, finish) for finish in FINISHES)
    assert cut.option in (whole.option, None)


@pytest.mark.parametrize("form", FORMS)
def test_motivations_that_name_both_letters_are_read_in_their_own_form(form):
    before, after = "D would give me 5 and C would give me 3.", "I trust them."
    replies = dict(zip(FORMS, ("C", f"C. {before} {after}", f"{before} {after}\nChoice: C"), strict=True))
    assert read(replies[form], form).option == "C"
