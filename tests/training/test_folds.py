"""Folds of leave-one-out validation."""

import pytest

from tom.core.errors import UserError
from tom.training.folds import Fold, folds

CELLS = [(game, context) for context in ("business", "friendship") for game in ("stag_hunt", "stag_hunt-x2")]


def test_a_kind_with_a_single_fold_is_left_out():
    assert folds(CELLS) == [
        Fold("context", "business"),
        Fold("context", "friendship"),
        Fold("payoffs", "x1"),
        Fold("payoffs", "x2"),
    ]
    assert folds(CELLS[:1]) == []


def test_the_folds_of_a_kind_partition_the_cells():
    for kind in ("context", "payoffs"):
        holders = [[fold for fold in folds(CELLS) if fold.kind == kind and fold.holds(cell)] for cell in CELLS]
        assert [len(found) for found in holders] == [1] * 4
    assert Fold("game", "stag_hunt").holds(("stag_hunt-x2", "business"))
    assert not Fold("game", "stag").holds(("stag_hunt", "business"))


def test_shifted_payoffs_are_a_fold_of_their_own():
    assert not Fold("payoffs", "x1").holds(("stag_hunt-plus10", "business"))
    assert Fold("payoffs", "x1-plus10").holds(("stag_hunt-plus10", "business"))


def test_equal_scales_have_one_name():
    assert Fold("payoffs", "x2").holds(("stag_hunt-x2.0", "business"))
    assert Fold("payoffs", "x0.5").holds(("stag_hunt-x0.5", "business"))
    # Names keep all digits.
    assert Fold("payoffs", "x1000000").holds(("stag_hunt-x1000000", "business"))
    assert not Fold("payoffs", "x0.1234567").holds(("stag_hunt-x0.12345671", "business"))


@pytest.mark.parametrize("fold", [Fold("context", "business"), Fold("payoffs", "x2-minus4")])
def test_a_fold_round_trips_as_text(fold):
    assert Fold.read(str(fold)) == fold


@pytest.mark.parametrize("text", ["business", "place-business", "context-", ""])
def test_a_text_that_names_no_fold_is_refused(text):
    with pytest.raises(UserError, match="allowed: context-NAME, game-NAME, payoffs-NAME"):
        Fold.read(text)
