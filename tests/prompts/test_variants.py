"""Variants: listing orders and letters."""

import pytest

from tom.prompts.variants import LABELS, ORDERS, PAPER_VARIANT, Variant, asked, scored


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("letter", LABELS)
def test_the_two_actions_have_the_two_letters(order, letter):
    variant = Variant(order, letter)
    assert variant.label(True) == letter
    assert variant.label(False) == variant.defection_label
    assert {variant.label(True), variant.label(False)} == set(LABELS)


@pytest.mark.parametrize(("order", "first"), [("cooperation_first", True), ("cooperation_last", False)])
def test_the_order_says_which_action_is_listed_first(order, first):
    assert Variant(order, "C").actions() == (first, not first)
    assert Variant(order, "D").actions() == (first, not first)


def test_the_papers_variant_lists_cooperation_first_and_calls_it_c():
    assert PAPER_VARIANT.actions() == (True, False)
    assert PAPER_VARIANT.label(True) == "C"


@pytest.mark.parametrize("orders", [["cooperation_first"], ["cooperation_last"], list(ORDERS), list(ORDERS[::-1])])
def test_c_is_asked_and_both_letters_are_scored_in_each_order(orders):
    assert asked(orders) == [Variant(order, "C") for order in orders]
    assert scored(orders)[: len(orders)] == asked(orders)
    assert scored(orders)[len(orders) :] == [Variant(order, "D") for order in orders]
