"""Uniform targets in contexts without a teacher."""

import pytest
from regenerate_golden import cell_files

from tom.prompts.prompts import CHOICE, CHOICE_FIRST
from tom.training.examples import WeightedReply
from tom.training.uniform_targets import uniform_target_cells

STAG_HUNT, SNOWDRIFT = cell_files("stag_hunt-x2", "business"), cell_files("snowdrift", "business")
NEW = [STAG_HUNT.context_file.with_stem(name) for name in ("orchestra", "exam")]


def replies(cooperate: int, defect: int) -> tuple[WeightedReply, ...]:
    return (WeightedReply("C", cooperate), WeightedReply("D", defect))


def test_every_game_is_paired_with_every_context_once():
    friends = cell_files("snowdrift", "friendship")
    cells = [(STAG_HUNT, replies(1, 2)), (SNOWDRIFT, replies(3, 0)), (friends, replies(2, 1))]
    found = [files for files, _ in uniform_target_cells(cells, NEW, CHOICE)]
    assert [(files.game, files.context_file.stem) for files in found] == [
        *[("stag_hunt-x2", "orchestra"), ("stag_hunt-x2", "exam"), ("snowdrift", "orchestra"), ("snowdrift", "exam")]
    ]
    assert {(files.game_file, files.prompt_format_file) for files in found} == {
        (files.game_file, files.prompt_format_file) for files in (STAG_HUNT, SNOWDRIFT)
    }


@pytest.mark.parametrize(
    ("cells", "half"),
    [
        ([replies(300, 0)], 150),
        ([replies(10, 0), replies(20, 40)], 18),  # 35 replies on average, and 17.5 to either side
        ([replies(1, 0)], 1),
    ],
)
def test_both_choices_have_equal_counts_and_a_cells_mean_weight(cells, half):
    cells = [(STAG_HUNT, known) for known in cells]
    for _, uniform in uniform_target_cells(cells, NEW, CHOICE):
        assert uniform == replies(half, half)


def test_a_letter_before_a_motivation_has_no_end_of_turn():
    ((_, uniform),) = uniform_target_cells([(STAG_HUNT, replies(4, 4))], NEW[:1], CHOICE_FIRST)
    assert [reply.ends for reply in uniform] == [False, False]


def test_there_are_no_uniform_targets_without_cells_or_contexts():
    assert uniform_target_cells([], NEW, CHOICE) == []
    assert uniform_target_cells([(STAG_HUNT, replies(1, 1))], [], CHOICE) == []
