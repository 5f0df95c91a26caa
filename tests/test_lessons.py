"""Lessons: the teacher's replies of a cell, pooled, counted and put to the student in each order."""

import pytest
from made_shards import reasoned_rows
from regenerate_golden import cell_files

from tom.asking.cells import render_variants
from tom.asking.prompts import CHOICE, CHOICE_FIRST, CHOICE_LAST
from tom.asking.variants import ORDERS, asked, scored
from tom.engines.recorded_teacher import replay
from tom.errors import BadInput
from tom.shards import read_shard, write_shard
from tom.teaching.lessons import Lesson, Taught, cell_lessons, count_choices, group_lessons, teach
from tom.teaching.recipe import AS_ASKED, CHOICES, EXCHANGED_TOO, OTHER_MOTIVATIONS, REPLIES

FILES = cell_files("stag_hunt-x2", "sports")


@pytest.fixture
def shard_of(tmp_path):
    """A function from rows to the shard as it is read."""

    def make(rows):
        write_shard(tmp_path / "shard.parquet", rows)
        return read_shard(tmp_path / "shard.parquet")

    return make


def choice_rows(*actions, order="cooperation_first") -> list[dict]:
    """A score row and an observation for each action."""
    rows = [{"record": "score", "order": order, "p_cooperate": 0.5}]
    return rows + [{"record": "observation", "order": order, "action": action} for action in actions]


@pytest.mark.parametrize(
    ("actions", "counts"),
    [
        (["cooperate", "defect", "defect"], (1, 2, 0)),
        (["cooperate", None, None], (1, 0, 2)),
        ([], (0, 0, 0)),
    ],
)
def test_observations_are_counted_and_scores_are_not(shard_of, actions, counts):
    expected = dict(zip(("cooperate", "defect", "invalid"), counts, strict=True))
    assert count_choices(shard_of(choice_rows(*actions))) == expected


@pytest.mark.parametrize("orders", [list(ORDERS), list(ORDERS[::-1]), [ORDERS[1]]])
def test_a_lesson_for_each_order_with_the_same_replies(orders):
    replies = (Taught("C", 1), Taught("D", 2))
    lessons = cell_lessons(FILES, replies, orders, AS_ASKED)
    assert [lesson.messages for lesson in lessons] == render_variants(FILES, asked(orders))
    assert [lesson.group for lesson in lessons] == [f"stag_hunt-x2/{order}" for order in orders]
    for lesson in lessons:
        assert lesson.context == "sports"
        assert lesson.replies == replies


def test_exchanged_letters_are_taught_besides_and_mean_the_same_actions():
    replies = (Taught("C", 1), Taught("D", 2))
    plain = cell_lessons(FILES, replies, list(ORDERS), AS_ASKED)
    lessons = cell_lessons(FILES, replies, list(ORDERS), EXCHANGED_TOO)
    assert lessons[:2] == plain
    assert [lesson.messages for lesson in lessons] == render_variants(FILES, scored(list(ORDERS)))
    assert len({lesson.group for lesson in lessons}) == 4
    assert [lesson.replies for lesson in lessons[2:]] == [(Taught("D", 1), Taught("C", 2))] * 2


def test_letters_of_longer_replies_are_not_exchanged():
    with pytest.raises(BadInput, match=r"training.letters: 'C. We gain.' is more than a letter"):
        cell_lessons(FILES, (Taught("C. We gain.", 1),), list(ORDERS), EXCHANGED_TOO)


@pytest.mark.parametrize("order", ORDERS)
def test_choices_are_pooled_whatever_order_they_were_made_in(shard_of, order):
    shard = shard_of(choice_rows("cooperate", "defect", order=order))
    assert teach([shard], CHOICES, CHOICE, seed=1) == [(Taught("C", 1), Taught("D", 1))]


@pytest.mark.parametrize(
    ("actions", "replies"),
    [
        (["cooperate"] * 3, (Taught("C", 3),)),
        (["defect"] * 2, (Taught("D", 2),)),
        (["defect", "cooperate", None, "defect"], (Taught("C", 1), Taught("D", 2))),
        ([None], ()),
        ([], ()),
    ],
)
def test_a_choice_that_was_never_made_is_not_taught(shard_of, actions, replies):
    assert teach([shard_of(choice_rows(*actions))], CHOICES, CHOICE, seed=1) == [replies]


def test_a_replayed_cell_teaches_its_published_counts(shard_of):
    shard = shard_of(replay((77, 300), {"model": "teacher"}))
    assert teach([shard], CHOICES, CHOICE, seed=1) == [(Taught("C", 77), Taught("D", 223))]


def test_a_choice_before_its_motivation_is_taught_without_an_end_of_turn(shard_of):
    shard = shard_of(reasoned_rows("teacher", "stag_hunt", "sports", ["C", "D", None, "D"]))
    assert teach([shard], CHOICES, CHOICE_FIRST, seed=1) == [(Taught("C", 1, ends=False), Taught("D", 2, ends=False))]


def test_a_choice_behind_its_motivation_is_taught_behind_it(shard_of):
    shard = shard_of(reasoned_rows("teacher", "stag_hunt", "sports", ["C", "D", None], CHOICE_LAST))
    (replies,) = teach([shard], CHOICES, CHOICE_LAST, seed=1)
    assert [reply.text for reply in replies] == shard["raw"].to_list()[:2]
    assert [reply.text[reply.given :] for reply in replies] == ["\nChoice: C", "\nChoice: D"]
    assert all(reply.ends for reply in replies)


@pytest.mark.parametrize("form", [CHOICE_FIRST, CHOICE_LAST])
def test_whole_replies_are_taught_as_they_were_given(shard_of, form):
    rows = reasoned_rows("teacher", "stag_hunt", "sports", ["C", "D", None, "C"], form)
    rows.append(rows[1])
    rows[3]["finish"] = "length"
    texts = [row["raw"] for row in rows]
    assert teach([shard_of(rows)], REPLIES, form, seed=1) == [
        (Taught(texts[0], 1), Taught(texts[1], 2), Taught(texts[3], 1, ends=False))
    ]


@pytest.mark.parametrize("supervision", [REPLIES, OTHER_MOTIVATIONS])
def test_replies_without_a_text_are_refused(shard_of, supervision):
    shard = shard_of(replay((1, 3), {"model": "teacher", "game": "stag_hunt", "context": "sports"}))
    with pytest.raises(BadInput, match="stag_hunt in sports"):
        teach([shard], supervision, CHOICE_FIRST, seed=1)


def test_every_supervision_teaches_the_same_choices(shard_of):
    letters = {"sports": ["C", "D", "D", None], "business": ["C", "C"], "roommates": ["D"] * 7}
    shards = [shard_of(reasoned_rows("teacher", "stag_hunt", context, made)) for context, made in letters.items()]
    for supervision in (CHOICES, REPLIES, OTHER_MOTIVATIONS):
        for replies, made in zip(teach(shards, supervision, CHOICE_FIRST, seed=1), letters.values(), strict=True):
            for letter in "CD":
                assert sum(reply.count for reply in replies if reply.text[0] == letter) == made.count(letter)


def test_groups_keep_the_order_of_first_appearance():
    lessons = [Lesson(group, context, [], ()) for group, context in ("b1", "a1", "b2", "c1", "a2")]
    groups = [[lesson.group + lesson.context for lesson in group] for group in group_lessons(lessons)]
    assert groups == [["b1", "b2"], ["a1", "a2"], ["c1"]]
