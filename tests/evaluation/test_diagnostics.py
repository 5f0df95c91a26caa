import pytest
from made_shards import counted_rows, scored_rows, shard_frame

from tom.evaluation.diagnostics import diagnose

FIRST, LAST = "cooperation_first", "cooperation_last"
FULL_REPLY = {FIRST: (3, 2, 0), LAST: (4, 0, 1)}


def diagnosis(p: dict) -> dict:
    rows = scored_rows("base", "snowdrift", "sports", p, option_mass=0.8)
    rows += counted_rows("base", "snowdrift", "sports", FULL_REPLY)
    return diagnose(shard_frame(rows)).row(0, named=True)


def test_who_follows_the_game_keeps_its_action():
    found = diagnosis({(FIRST, "C"): 0.9, (LAST, "C"): 0.9, (FIRST, "D"): 0.9, (LAST, "D"): 0.9})
    assert (found["order_bias"], found["letter_change"]) == pytest.approx((0, 0))
    assert found["letter_distance"] == pytest.approx(0.8)


def test_who_follows_the_letter_changes_its_action():
    found = diagnosis({(FIRST, "C"): 0.9, (LAST, "C"): 0.9, (FIRST, "D"): 0.1, (LAST, "D"): 0.1})
    assert found["letter_distance"] == pytest.approx(0)
    assert found["letter_change"] == pytest.approx(0.8)


def test_who_follows_the_order():
    found = diagnosis({(FIRST, "C"): 0.9, (LAST, "C"): 0.2, (FIRST, "D"): 0.9, (LAST, "D"): 0.2})
    assert found["order_bias"] == pytest.approx(0.7)
    assert found["letter_change"] == pytest.approx(0)


def test_opposite_biases_do_not_cancel():
    both = {(FIRST, "C"): 0.9, (LAST, "C"): 0.2}, {(FIRST, "C"): 0.2, (LAST, "C"): 0.7}
    rows = counted_rows("base", "snowdrift", "sports", FULL_REPLY)
    for game, p in zip(("snowdrift", "stag_hunt"), both, strict=True):
        rows += scored_rows("base", game, "sports", p)
    assert diagnose(shard_frame(rows))["order_bias"][0] == pytest.approx(0.6)


def test_replies_and_option_mass():
    found = diagnosis({(FIRST, "C"): 0.9})
    assert (found["observations"], found["invalid"], found["invalid_share"]) == (10, 1, 0.1)
    assert found["option_mass"] == pytest.approx(0.8)
    assert found["order_bias"] is None
    assert found["letter_change"] is None


def test_a_teacher_without_scores_still_shows_its_invalid_replies():
    found = diagnose(shard_frame(counted_rows("teacher", "snowdrift", "sports", FULL_REPLY))).row(0, named=True)
    assert (found["model"], found["invalid"], found["option_mass"]) == ("teacher", 1, None)


def test_invalid_replies_are_counted_by_outcome():
    rows = counted_rows("teacher", "snowdrift", "sports", {FIRST: (0, 1, 5)}, ("truncated", "ambiguous"))
    found = diagnose(shard_frame(rows)).row(0, named=True)
    assert (found["truncated"], found["ambiguous"], found["refused"]) == (3, 2, 0)
