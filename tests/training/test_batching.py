"""Batches: every reply once an epoch, in an order that follows from seed and epoch alone."""

from collections import Counter

import pytest
import torch
from example_samples import example
from hypothesis import given
from hypothesis import strategies as st

from tom.models.language_models import load_model
from tom.training.batching import (
    Row,
    by_group,
    by_prompt,
    describe_steps,
    draw_batches,
    draw_prompts,
    drawn_prompts,
    epoch_order,
    steps_per_epoch,
)
from tom.training.objective import add_gradient, pack_rows, tokenise

rows_of_counts = st.lists(st.integers(1, 40), min_size=1, max_size=6).map(
    lambda counts: [Row(f"group {index % 2}", (index,), (9,), count) for index, count in enumerate(counts)]
)


@given(rows_of_counts, st.integers(1, 50), st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_every_reply_is_learnt_once_an_epoch_in_full_batches_but_for_the_last(rows, size, seed, epoch):
    batches = list(draw_batches(rows, size, seed, epoch))
    learnt = Counter()
    for batch in batches:
        learnt.update({row.prompt: row.count for row in batch})
        assert [row.prompt for row in batch] == sorted({row.prompt for row in batch})
    assert learnt == {row.prompt: row.count for row in rows}
    sizes = [sum(row.count for row in batch) for batch in batches]
    assert set(sizes[:-1]) <= {size} and 0 < sizes[-1] <= size
    assert len(batches) == steps_per_epoch(len(by_group(rows)), sum(row.count for row in rows), size)


def test_epochs_and_seeds_draw_other_batches_and_each_the_same_again():
    rows = [Row("group", (index,), (9,), 30) for index in range(4)]
    drawn = {(seed, epoch): list(draw_batches(rows, 8, seed, epoch)) for seed in (1, 2) for epoch in (1, 2)}
    assert len({str(batches) for batches in drawn.values()}) == 4
    assert drawn[1, 2] == list(draw_batches(rows, 8, 1, 2))
    # 120 replies to four prompts: a batch of 8 to one prompt alone would be an order that was not shuffled.
    assert all(len(batch) > 1 for batch in drawn[1, 1])


def test_the_papers_rows_make_its_steps():
    rows = [Row("group", (index,), (9,), 300) for index in range(20)]
    sizes = [sum(row.count for row in batch) for batch in draw_batches(rows, 64, 1, 1)]
    assert sizes == [64] * 93 + [48]


def test_groups_keep_the_order_of_first_appearance():
    rows = [Row(group, (index,), (9,), 1) for index, group in enumerate("babca")]
    assert [[row.prompt[0] for row in group] for group in by_group(rows)] == [[0, 2], [1, 4], [3]]


@pytest.mark.parametrize("batches", [1, 7])
def test_each_epoch_has_every_batch_once_in_its_own_order(batches):
    orders = [epoch_order(1, number, batches) for number in range(1, 9)]
    assert all(sorted(order) == list(range(batches)) for order in orders)
    assert orders == [epoch_order(1, number, batches) for number in range(1, 9)]
    assert batches == 1 or len({tuple(order) for order in orders}) > 4


def test_too_few_steps_for_their_rate_are_said_with_the_arithmetic():
    assert describe_steps(94, 3, 5e-5) == ["282 optimiser steps: 3 epochs of 94"]
    said, warning = describe_steps(4, 3, 5e-5)
    assert said == "12 optimiser steps: 3 epochs of 4"
    assert "12 x 5e-05 / 2 = 0.0003" in warning and "training.batch_size" in warning


@pytest.mark.parametrize("limit", [100_000, 260, 1])
def test_the_gradient_of_a_mini_batch_is_that_of_its_replies_as_separate_rows(tokenizer, tiny_folder, limit):
    examples = [
        example("stag_hunt", "sports", ("C", 7), ("D", 2), ("Cooperate, for trust pays", 3)),
        example("snowdrift", "business", ("C", 5), ("D, since they may not", 4, False)),
    ]
    rows = tokenise(tokenizer, examples)
    model = load_model(tiny_folder, "cpu")
    batches = list(draw_batches(rows, 8, seed=1, epoch=1))
    assert max(row.count for row in batches[0]) > 1 and len({row.group for row in batches[0]}) == 2
    for batch in batches:
        model.zero_grad()
        loss = add_gradient(model, pack_rows(batch, limit))
        packed = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])
        model.zero_grad()
        losses = []
        for row in (each for each in batch for _ in range(each.count)):
            logits = model(input_ids=torch.tensor([row.prompt + row.reply])).logits[0, len(row.prompt) - 1 : -1]
            losses.append(torch.nn.functional.cross_entropy(logits, torch.tensor(row.reply), reduction="none"))
        mean = torch.cat(losses).mean()
        mean.backward()
        alone = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])
        assert loss == pytest.approx(mean.item(), rel=1e-6)
        assert (packed - alone).norm() / alone.norm() < 1e-5


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 3), st.integers(1, 3))
def test_a_prompt_is_drawn_once_an_epoch_with_all_of_its_fractions(prompts, size, seed, epoch):
    rows = [Row("g", (index,), (reply,), 0.3 + reply) for index in range(prompts) for reply in (0, 1)]
    batches = list(draw_prompts(rows, size, seed, epoch))
    assert sorted(row for batch in batches for row in batch) == sorted(rows)
    assert len(batches) == steps_per_epoch(1, len(by_prompt(rows)), size)
    assert all(len(batch) == 2 * size for batch in batches[:-1])
    assert batches == list(draw_prompts(rows, size, seed, epoch))


@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 6), st.integers(0, 3))
def test_some_variants_of_each_cell_are_drawn_anew_in_each_epoch(cells, variants, drawn, seed):
    rows = [Row("g", (cell, n), (1,), 1, f"cell{cell}") for cell in range(cells) for n in range(variants)]
    seen = set()
    for epoch in range(1, 13):
        found = [row for batch in draw_prompts(rows, 4, seed, epoch, drawn) for row in batch]
        assert len(set(found)) == len(found) == cells * min(drawn, variants) == drawn_prompts(rows, drawn)
        assert {row.cell for row in found} == {row.cell for row in rows}
        seen |= set(found)
    # After twelve epochs some cell has had another variant, if there is one that was not drawn at once.
    assert variants <= drawn or len(seen) > cells * drawn
