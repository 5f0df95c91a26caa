"""Lessons: the teacher's choices of a cell, pooled, counted and put to the student in each order."""

import pytest
from regenerate_golden import cell_files

from tom.cells import render_variants
from tom.lessons import Lesson, choice_lessons, count_choices, group_lessons
from tom.recorded_teacher import replay
from tom.shards import read_shard, write_shard
from tom.variants import ORDERS, asked

FILES = cell_files("stag_hunt-x2", "sports")


def shard_of(tmp_path, *actions, order="cooperation_first"):
    """A shard with a score row and an observation for each action."""
    rows = [{"record": "score", "order": order, "p_cooperate": 0.5}]
    rows += [{"record": "observation", "order": order, "action": action} for action in actions]
    write_shard(tmp_path / "shard.parquet", rows)
    return read_shard(tmp_path / "shard.parquet")


@pytest.mark.parametrize(
    ("actions", "counts"),
    [
        (["cooperate", "defect", "defect"], (1, 2, 0)),
        (["cooperate", None, None], (1, 0, 2)),
        ([], (0, 0, 0)),
    ],
)
def test_observations_are_counted_and_scores_are_not(tmp_path, actions, counts):
    expected = dict(zip(("cooperate", "defect", "invalid"), counts, strict=True))
    assert count_choices(shard_of(tmp_path, *actions)) == expected


@pytest.mark.parametrize("orders", [list(ORDERS), list(ORDERS[::-1]), [ORDERS[1]]])
def test_a_lesson_for_each_order_with_the_same_pooled_replies(tmp_path, orders):
    lessons = choice_lessons(FILES, shard_of(tmp_path, "defect", "cooperate", None, "defect"), orders)
    assert [lesson.messages for lesson in lessons] == render_variants(FILES, asked(orders))
    assert [lesson.group for lesson in lessons] == [f"stag_hunt-x2/{order}" for order in orders]
    for lesson in lessons:
        assert lesson.context == "sports"
        assert lesson.replies == (("C", 1), ("D", 2))


@pytest.mark.parametrize("order", ORDERS)
def test_choices_are_pooled_whatever_order_they_were_made_in(tmp_path, order):
    shard = shard_of(tmp_path, "cooperate", "defect", order=order)
    assert [lesson.replies for lesson in choice_lessons(FILES, shard, list(ORDERS))] == [(("C", 1), ("D", 1))] * 2


@pytest.mark.parametrize(
    ("actions", "replies"),
    [(["cooperate"] * 3, (("C", 3),)), (["defect"] * 2, (("D", 2),)), ([None], ()), ([], ())],
)
def test_a_reply_that_never_came_is_not_taught(tmp_path, actions, replies):
    for lesson in choice_lessons(FILES, shard_of(tmp_path, *actions), list(ORDERS)):
        assert lesson.replies == replies


def test_a_replayed_cell_teaches_its_published_counts(tmp_path):
    write_shard(tmp_path / "shard.parquet", replay((77, 300), {"model": "teacher"}))
    for lesson in choice_lessons(FILES, read_shard(tmp_path / "shard.parquet"), list(ORDERS)):
        assert lesson.replies == (("C", 77), ("D", 223))


def test_groups_keep_the_order_of_first_appearance():
    lessons = [Lesson(group, context, [], ()) for group, context in ("b1", "a1", "b2", "c1", "a2")]
    groups = [[lesson.group + lesson.context for lesson in group] for group in group_lessons(lessons)]
    assert groups == [["b1", "b2"], ["a1", "a2"], ["c1"]]
