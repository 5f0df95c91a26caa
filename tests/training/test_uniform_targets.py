"""Contexts that no teacher was asked in: chance is taught there, as heavy as a cell."""

import pytest
from regenerate_golden import cell_files

from tom.prompts.prompts import CHOICE, CHOICE_FIRST
from tom.training.examples import WeightedReply
from tom.training.uniform_targets import uniform_target_cells

STAG_HUNT, SNOWDRIFT = cell_files("stag_hunt-x2", "business"), cell_files("snowdrift", "business")
NEW = [STAG_HUNT.context_file.with_stem(name) for name in ("orchestra", "exam")]


def replies(cooperate: int, defect: int) -> tuple[WeightedReply, ...]:
    return (WeightedReply("C", cooperate), WeightedReply("D", defect))


def test_every_taught_game_meets_every_context_once():
    friends = cell_files("snowdrift", "friendship")
    taught = [(STAG_HUNT, replies(1, 2)), (SNOWDRIFT, replies(3, 0)), (friends, replies(2, 1))]
    found = [files for files, _ in uniform_target_cells(taught, NEW, CHOICE)]
    assert [(files.game, files.context_file.stem) for files in found] == [
        *[("stag_hunt-x2", "orchestra"), ("stag_hunt-x2", "exam"), ("snowdrift", "orchestra"), ("snowdrift", "exam")]
    ]
    assert {(files.game_file, files.prompt_format_file) for files in found} == {
        (files.game_file, files.prompt_format_file) for files in (STAG_HUNT, SNOWDRIFT)
    }


@pytest.mark.parametrize(
    ("taught", "half"),
    [
        ([replies(300, 0)], 150),
        ([replies(10, 0), replies(20, 40)], 18),  # 35 replies on average, and 17.5 to either side
        ([replies(1, 0)], 1),
    ],
)
def test_either_choice_is_taught_as_often_in_as_many_replies_as_a_cell_has(taught, half):
    cells = [(STAG_HUNT, known) for known in taught]
    for _, chance in uniform_target_cells(cells, NEW, CHOICE):
        assert chance == replies(half, half)


def test_what_follows_a_letter_is_left_as_it_was():
    ((_, chance),) = uniform_target_cells([(STAG_HUNT, replies(4, 4))], NEW[:1], CHOICE_FIRST)
    assert [reply.ends for reply in chance] == [False, False]


def test_nothing_taught_nothing_added():
    assert uniform_target_cells([], NEW, CHOICE) == []
    assert uniform_target_cells([(STAG_HUNT, replies(1, 1))], [], CHOICE) == []
