"""Cells: their prompts, the shares of their variants, and their random streams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from regenerate_golden import cell_files

from tom.core.random import cell_generator, share_out
from tom.prompts.cells import render_variants
from tom.prompts.variants import ORDERS, scored


def test_a_cell_is_rendered_in_each_variant():
    variants = scored(list(ORDERS))
    rendered = render_variants(cell_files("stag_hunt-x2", "sports"), variants)
    assert len({str(messages) for messages in rendered}) == len(variants) == 4
    assert render_variants(cell_files("stag_hunt-x2", "sports"), variants[::-1]) == rendered[::-1]


@given(observations=st.integers(0, 10_000), variants=st.integers(1, 8))
def test_shares_are_equal_but_for_one_and_add_up(observations, variants):
    shares = share_out(observations, variants)
    assert len(shares) == variants
    assert sum(shares) == observations
    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= 1


def test_the_same_names_give_the_same_stream():
    assert cell_generator(1, "a", "b").random(5).tolist() == cell_generator(1, "a", "b").random(5).tolist()


@pytest.mark.parametrize(
    "names",
    [(2, "a", "b"), (1, "b", "a"), (1, "ab"), (1, "a"), (1, "a", "b", ""), (11, "a", "b"), (1, "a", "c")],
)
def test_other_names_give_another_stream(names):
    assert cell_generator(1, "a", "b").random() != cell_generator(*names).random()


def test_the_stream_is_the_same_on_every_machine():
    draws = cell_generator(1, "base", "stag_hunt", "sports").random(3)
    assert draws.tolist() == [0.3003197586400982, 0.4848104933985228, 0.9684298345152185]


def test_streams_of_neighbouring_cells_are_unrelated():
    streams = [cell_generator(1, f"game{number}").random(2000) for number in range(20)]
    correlations = [
        abs(float(((one - 0.5) * (other - 0.5)).mean() * 12))
        for index, one in enumerate(streams)
        for other in streams[:index]
    ]
    assert max(correlations) < 0.1  # 4.5 standard errors
