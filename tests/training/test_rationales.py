"""Replies split into choice and motivation, and motivations exchanged between cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_shards import reasoned_rows, shard_frame

from tom.core.errors import UserError
from tom.parsing.reasoning import first_turn
from tom.prompts.prompts import CHOICE_FIRST, CHOICE_LAST
from tom.training.rationales import SplitReply, exchange_motivations, split_replies, split_reply


@pytest.mark.parametrize(
    ("form", "text", "letter", "choice"),
    [
        (CHOICE_FIRST, "C", "C", "C"),
        (CHOICE_FIRST, "C. D would cost us both.", "C", "C"),
        (CHOICE_FIRST, "**D**\n\nC is a risk.", "D", "**D**"),
        (CHOICE_FIRST, "I choose (C), since D hurts.", "C", "I choose (C)"),
        (CHOICE_FIRST, "Cooperation it is: C, then.", "C", "Cooperation it is: C"),
        (CHOICE_LAST, "D costs us both.\nChoice: C", "C", "\nChoice: C"),
        (CHOICE_LAST, "C is a risk, D is not.\n\n**Choice:** D.", "D", "Choice:** D."),
        (CHOICE_LAST, "They play D. So my choice is C", "C", " C"),
        (CHOICE_LAST, "C and C and CHOICE - C", "C", " CHOICE - C"),
    ],
)
def test_a_reply_is_split_at_its_choice(form, text, letter, choice):
    first, second = split_reply(text, form, letter)
    assert first + second == text
    assert (first if form == CHOICE_FIRST else second) == choice


@pytest.mark.parametrize("form", [CHOICE_FIRST, CHOICE_LAST])
def test_a_reply_without_its_letter_is_all_choice(form):
    first, second = split_reply("Cooperate, I'd say.", form, "D")
    assert (first if form == CHOICE_FIRST else second) == "Cooperate, I'd say."


@pytest.mark.parametrize(
    ("text", "taught"),
    [
        ("C, since they share.", "C, since they share."),
        ("C, since they share.<|im_end|>", "C, since they share."),
        ("C, since they share.</s>\n<s>[INST] And you?", "C, since they share."),
        ("<think>Is it <|im_end|>?</think>C<|im_end|>", "<think>Is it <|im_end|>?</think>C"),
        (
            "<|channel|>analysis<|message|>D?<|end|><|start|>assistant<|channel|>final<|message|>C<|return|>",
            "<|channel|>analysis<|message|>D?<|end|><|start|>assistant<|channel|>final<|message|>C",
        ),
    ],
)
def test_a_reply_is_taught_up_to_a_token_that_ends_its_turn(text, taught):
    assert first_turn(text) == taught


def test_a_reply_that_ran_on_behind_its_end_has_ended():
    said = {"C, a.<|im_end|>and on": "length", "D, b.": "stop", "C, c": "length"}
    rows = reasoned_rows("teacher", "stag_hunt", "business", [raw[0] for raw in said])
    rows = [row | {"raw": raw, "finish": finish} for row, (raw, finish) in zip(rows, said.items(), strict=True)]
    found = split_replies(shard_frame(rows), CHOICE_FIRST)
    assert [(one.text, one.ends) for one in found] == [("C, a.", True), ("D, b.", True), ("C, c", False)]


def reply(form: str, cell: int, number: int) -> SplitReply:
    parts = (f"choice {cell}.{number} ", f"motivation {cell}.{number}")
    return SplitReply(*(parts if form == CHOICE_FIRST else parts[::-1]), ends=number % 2 == 0)


@given(
    st.lists(st.integers(0, 5), min_size=2, max_size=9).filter(lambda sizes: sum(map(bool, sizes)) > 1),
    st.integers(0, 2**32 - 1),
    st.sampled_from([CHOICE_FIRST, CHOICE_LAST]),
)
def test_no_reply_has_a_motivation_of_its_own_cell(sizes, seed, form):
    cells = [[reply(form, cell, number) for number in range(size)] for cell, size in enumerate(sizes)]
    exchanged = exchange_motivations(cells, form, seed)
    sources = []
    for cell, (before, after) in enumerate(zip(cells, exchanged, strict=True)):
        choices, motivations = ("first", "second") if form == CHOICE_FIRST else ("second", "first")
        assert [getattr(one, choices) for one in after] == [getattr(one, choices) for one in before]
        found = {getattr(one, motivations).split()[1].split(".")[0] for one in after}
        assert str(cell) not in found
        sources += found
        used = [getattr(one, motivations) for one in after]
        if used:
            assert len(set(used)) == min(len(used), sizes[int(next(iter(found)))])
    assert sorted(sources) == sorted(str(cell) for cell, size in enumerate(sizes) if size)


@pytest.mark.parametrize("form", [CHOICE_FIRST, CHOICE_LAST])
def test_a_reply_ends_as_its_last_part_did(form):
    whole = SplitReply("a", "b", ends=True)
    cut = SplitReply("c", "d", ends=False)
    one, other = exchange_motivations([[whole], [cut]], form, seed=1)
    assert [one[0].ends, other[0].ends] == ([False, True] if form == CHOICE_FIRST else [True, False])
    assert [one[0].text, other[0].text] == (["ad", "cb"] if form == CHOICE_FIRST else ["cb", "ad"])


def test_the_exchange_depends_on_the_seed_alone():
    cells = [[reply(CHOICE_FIRST, cell, number) for number in range(4)] for cell in range(6)]
    one, same, other = (exchange_motivations(cells, CHOICE_FIRST, seed) for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize("cells", [[], [[]], [[SplitReply("C", ".", True)], []]])
def test_fewer_than_two_cells_with_replies_are_refused(cells):
    with pytest.raises(UserError, match="shuffled_motivation"):
        exchange_motivations(cells, CHOICE_FIRST, 1)
