"""Ablations of the teacher: fewer replies, shuffled cells, and a constant rate."""

from itertools import product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_shards import counted_rows, reasoned_rows, shard_frame

from tom.core.errors import UserError
from tom.prompts.variants import ORDERS
from tom.sampling.shards import read_shard, write_shard
from tom.training.ablations import ablate, equalise_rates, shuffle_cells, subsample
from tom.training.examples import count_choices
from tom.training.recipe import AS_IS


def shard(cooperated: int, defected: int, invalid: int = 0, context: str = "business") -> pl.DataFrame:
    counts = {"cooperation_first": (cooperated, defected, invalid)}
    return shard_frame(counted_rows("teacher", "stag_hunt", context, counts))


def numbers(frame: pl.DataFrame) -> set[int]:
    return set(frame["observation"])


@given(st.integers(1, 30), st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_a_smaller_sample_is_a_subset_of_a_larger_one(smaller, more, seed):
    whole = shard(20, 30, 10)
    few, many = subsample(whole, smaller, seed), subsample(whole, smaller + more, seed)
    assert (few.height, many.height) == (smaller, smaller + more)
    assert numbers(few) <= numbers(many) <= numbers(whole)


def test_a_sample_of_all_observations_is_the_shard():
    assert subsample(shard(20, 30, 10), 60, 1).equals(shard(20, 30, 10))


def test_samples_differ_by_cell_and_seed_and_follow_the_rate():
    draws = [subsample(shard(20, 30), 10, seed) for seed in range(400)]
    assert numbers(draws[0]) != numbers(draws[1])
    assert numbers(draws[0]) != numbers(subsample(shard(20, 30, context="sports"), 10, 0))
    rates = pl.Series([count_choices(draw)["cooperate"] / 10 for draw in draws])
    # Hypergeometric: mean .4, variance .4 * .6 / 10 * 40 / 49.
    assert rates.mean() == pytest.approx(0.4, abs=0.02)
    assert rates.var() == pytest.approx(0.4 * 0.6 / 10 * 40 / 49, rel=0.25)


def test_a_sample_larger_than_the_shard_is_refused():
    with pytest.raises(UserError, match=r"learning_curve\.observations: 61 .* stag_hunt in business .*at most 60"):
        subsample(shard(20, 30, 10), 61, 1)


@given(st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_no_cell_keeps_its_own_shard(cells, seed):
    shards = [shard(number, 1) for number in range(cells)]
    places = [count_choices(moved)["cooperate"] for moved in shuffle_cells(shards, seed)]
    assert sorted(places) == list(range(cells))
    assert all(place != number for number, place in enumerate(places))


def test_a_single_cell_can_not_be_shuffled():
    with pytest.raises(UserError, match=r"splits\.in_sample.*two or more"):
        shuffle_cells([shard(1, 1)], 1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=6))
def test_a_constant_teacher_has_the_pooled_rate_and_each_cells_number_of_replies(cells):
    cooperated, readable = sum(a for a, _, _ in cells), sum(a + b for a, b, _ in cells)
    equalised = equalise_rates([shard(*cell) for cell in cells], 1)
    for (first, second, _), found in zip(cells, map(count_choices, equalised), strict=True):
        assert found["invalid"] == 0
        assert found["cooperate"] + found["defect"] == first + second
        assert abs(found["cooperate"] * readable - cooperated * (first + second)) <= readable / 2


def test_a_constant_teachers_replies_come_from_every_cell_and_keep_their_texts():
    cells = [("stag_hunt", "sports"), ("stag_hunt", "business"), ("snowdrift", "sports")]
    shards = [shard_frame(reasoned_rows("teacher", *cell, letters=["C", "D"] * 30)) for cell in cells]
    for equalised in equalise_rates(shards, 1):
        assert set(equalised.select("game", "context").rows()) == set(cells)
        assert (equalised["raw"].str.head(1) == "C").equals(equalised["action"] == "cooperate")


def test_a_constant_teacher_keeps_the_pooled_rate_of_each_order():
    counts = [((9, 1, 0), (1, 9, 3)), ((5, 5, 0), (3, 7, 0))]
    shards = [
        shard_frame(counted_rows("teacher", "stag_hunt", context, dict(zip(ORDERS, cell, strict=True))))
        for context, cell in zip(("sports", "business"), counts, strict=True)
    ]
    for equalised in equalise_rates(shards, 1):
        found = [count_choices(equalised.filter(order=order)) for order in ORDERS]
        assert [(count["cooperate"], count["defect"]) for count in found] == [(7, 3), (2, 8)]


def test_the_teacher_as_it_is_keeps_its_shards():
    shards = [shard(1, 2), shard(2, 1)]
    assert ablate(AS_IS, shards, 1) is shards


def test_a_constant_teachers_exact_probabilities_are_their_mean(tmp_path):
    shards = []
    for number, share in enumerate((0.2, 0.6)):
        rows = [
            {"record": "score", "order": order, "cooperation_label": label, "p_cooperate": share * weight}
            for (order, label), weight in zip(product(ORDERS, "CD"), (1, 0.5, 0.25, 0), strict=True)
        ]
        rows.append({"record": "observation", "action": "cooperate"})
        write_shard(tmp_path / f"{number}.parquet", rows)
        shards.append(read_shard(tmp_path / f"{number}.parquet"))
    for shard in equalise_rates(shards, seed=1):
        assert shard.filter(record="score")["p_cooperate"].to_list() == pytest.approx([0.4, 0.2, 0.1, 0])
        assert shard.filter(record="observation").height == 1
