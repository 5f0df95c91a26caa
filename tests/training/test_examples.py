"""Training examples: the teacher's replies in a cell, counted, in the option orders that they belong to."""

import pytest
from made_shards import reasoned_rows
from regenerate_golden import cell_files

from tom.core.errors import UserError
from tom.prompts.cells import render_variants
from tom.prompts.prompts import CHOICE, CHOICE_FIRST, CHOICE_LAST
from tom.prompts.variants import LABELS, ORDERS, asked, scored
from tom.sampling.recorded import replay
from tom.sampling.shards import read_shard, write_shard
from tom.training.examples import (
    WeightedReply,
    cell_examples,
    count_choices,
    weighted_replies,
)
from tom.training.recipe import BOTH, FULL_REPLY, LABEL, ORIGINAL, PROBABILITIES, SHUFFLED_MOTIVATION

FILES = cell_files("stag_hunt-x2", "sports")


@pytest.fixture
def shard_of(tmp_path):
    """A function that writes rows to a shard and reads it back."""

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
def test_each_option_order_has_an_example_with_the_same_replies(orders):
    replies = (WeightedReply("C", 1), WeightedReply("D", 2))
    examples = cell_examples(FILES, replies, orders, ORIGINAL)
    assert [example.messages for example in examples] == render_variants(FILES, asked(orders))
    assert [example.group for example in examples] == [f"stag_hunt-x2/{order}" for order in orders]
    for example in examples:
        assert example.context == "sports"
        assert example.replies == replies


def test_both_label_mappings_have_the_same_actions_as_targets():
    replies = (WeightedReply("C", 1), WeightedReply("D", 2))
    plain = cell_examples(FILES, replies, list(ORDERS), ORIGINAL)
    examples = cell_examples(FILES, replies, list(ORDERS), BOTH)
    assert examples[:2] == plain
    assert [example.messages for example in examples] == render_variants(FILES, scored(list(ORDERS)))
    assert len({example.group for example in examples}) == 4
    assert [example.replies for example in examples[2:]] == [(WeightedReply("D", 1), WeightedReply("C", 2))] * 2


def test_labels_in_replies_beyond_a_letter_can_not_be_swapped():
    with pytest.raises(UserError, match=r"training.label_mapping: 'C. We gain.' is more than a letter"):
        cell_examples(FILES, (WeightedReply("C. We gain.", 1),), list(ORDERS), BOTH)


def test_replies_of_each_order_belong_to_its_own_prompts(shard_of):
    rows = choice_rows("cooperate", "defect", "defect") + choice_rows("cooperate", None, order=ORDERS[1])
    shard = shard_of(rows)
    (replies,) = weighted_replies([shard], LABEL, CHOICE, seed=1, by_order=True)
    first, second = ((order, None) for order in ORDERS)
    assert replies == (
        WeightedReply("C", 1, asked=first),
        WeightedReply("D", 2, asked=first),
        WeightedReply("C", 1, asked=second),
    )
    pairs = [LABELS, ("wug", "dax")]
    examples = cell_examples(FILES, replies, list(ORDERS), BOTH, pairs)
    for example, variant in zip(examples, [v for pair in pairs for v in scored(list(ORDERS), pair)], strict=True):
        counts = (1, 2) if variant.order == ORDERS[0] else (1,)
        found = [(reply.text, reply.count) for reply in example.replies]
        assert found == list(zip((variant.label(True), variant.label(False)), counts, strict=False))
    assert weighted_replies([shard], LABEL, CHOICE, seed=1) == [(WeightedReply("C", 2), WeightedReply("D", 2))]


@pytest.mark.parametrize("target", [FULL_REPLY, SHUFFLED_MOTIVATION])
def test_a_reply_in_words_keeps_the_order_of_its_choice(shard_of, target):
    letters = {"sports": ["C", "D", "C", None], "business": ["D", "D", "C", "C"]}
    shards = [shard_of(reasoned_rows("teacher", "stag_hunt", context, made)) for context, made in letters.items()]
    for replies, made in zip(
        weighted_replies(shards, target, CHOICE_FIRST, seed=1, by_order=True), letters.values(), strict=True
    ):
        assert sorted((reply.text[0], reply.asked) for reply in replies for _ in range(reply.count)) == sorted(
            (letter, (ORDERS[number % 2], None)) for number, letter in enumerate(made) if letter
        )
        examples = cell_examples(FILES, replies, list(ORDERS), ORIGINAL)
        assert [example.replies for example in examples] == [
            tuple(reply for reply in replies if reply.asked == (order, None)) for order in ORDERS
        ]


def test_a_prompt_without_replies_in_its_order_is_left_out(shard_of):
    (replies,) = weighted_replies([shard_of(choice_rows("cooperate", "defect"))], LABEL, CHOICE, seed=1, by_order=True)
    (example,) = cell_examples(FILES, replies, list(ORDERS), ORIGINAL)
    assert example.group == f"stag_hunt-x2/{ORDERS[0]}"


def test_exact_probabilities_weigh_as_much_as_the_replies_of_their_order(shard_of):
    shard = shard_of(scored_rows(SHARES, 40) + choice_rows("defect", "defect", None, order=ORDERS[1])[1:])
    (replies,) = weighted_replies([shard], PROBABILITIES, CHOICE, seed=1, by_order=True)
    examples = cell_examples(FILES, replies, list(ORDERS), BOTH)
    weights = [sum(reply.count for reply in example.replies) for example in examples]
    assert weights == pytest.approx([40, 2, 40, 2])


@pytest.mark.parametrize("order", ORDERS)
def test_choices_are_pooled_over_option_orders(shard_of, order):
    shard = shard_of(choice_rows("cooperate", "defect", order=order))
    assert weighted_replies([shard], LABEL, CHOICE, seed=1) == [(WeightedReply("C", 1), WeightedReply("D", 1))]


@pytest.mark.parametrize(
    ("actions", "replies"),
    [
        (["cooperate"] * 3, (WeightedReply("C", 3),)),
        (["defect"] * 2, (WeightedReply("D", 2),)),
        (["defect", "cooperate", None, "defect"], (WeightedReply("C", 1), WeightedReply("D", 2))),
        ([None], ()),
        ([], ()),
    ],
)
def test_a_choice_that_was_never_made_is_not_a_target(shard_of, actions, replies):
    assert weighted_replies([shard_of(choice_rows(*actions))], LABEL, CHOICE, seed=1) == [replies]


def test_a_recorded_cell_has_its_published_counts_as_targets(shard_of):
    shard = shard_of(replay((77, 300), {"model": "teacher"}))
    assert weighted_replies([shard], LABEL, CHOICE, seed=1) == [(WeightedReply("C", 77), WeightedReply("D", 223))]


def test_a_label_before_a_motivation_has_no_end_of_turn(shard_of):
    shard = shard_of(reasoned_rows("teacher", "stag_hunt", "sports", ["C", "D", None, "D"]))
    assert weighted_replies([shard], LABEL, CHOICE_FIRST, seed=1) == [
        (WeightedReply("C", 1, ends=False), WeightedReply("D", 2, ends=False))
    ]


def test_a_label_after_a_motivation_is_learnt_given_the_motivation(shard_of):
    shard = shard_of(reasoned_rows("teacher", "stag_hunt", "sports", ["C", "D", None], CHOICE_LAST))
    (replies,) = weighted_replies([shard], LABEL, CHOICE_LAST, seed=1)
    assert [reply.text for reply in replies] == shard["raw"].to_list()[:2]
    assert [reply.text[reply.given :] for reply in replies] == ["\nChoice: C", "\nChoice: D"]
    assert all(reply.ends for reply in replies)


@pytest.mark.parametrize("form", [CHOICE_FIRST, CHOICE_LAST])
def test_full_replies_are_learnt_verbatim(shard_of, form):
    rows = reasoned_rows("teacher", "stag_hunt", "sports", ["C", "D", None, "C"], form)
    rows.append(rows[1])
    rows[3]["finish"] = "length"
    texts = [row["raw"] for row in rows]
    assert weighted_replies([shard_of(rows)], FULL_REPLY, form, seed=1) == [
        (WeightedReply(texts[0], 1), WeightedReply(texts[1], 2), WeightedReply(texts[3], 1, ends=False))
    ]


@pytest.mark.parametrize("target", [FULL_REPLY, SHUFFLED_MOTIVATION])
def test_replies_without_text_are_refused(shard_of, target):
    shard = shard_of(replay((1, 3), {"model": "teacher", "game": "stag_hunt", "context": "sports"}))
    with pytest.raises(UserError, match="stag_hunt in sports"):
        weighted_replies([shard], target, CHOICE_FIRST, seed=1)


def test_every_target_has_the_same_choices(shard_of):
    letters = {"sports": ["C", "D", "D", None], "business": ["C", "C"], "roommates": ["D"] * 7}
    shards = [shard_of(reasoned_rows("teacher", "stag_hunt", context, made)) for context, made in letters.items()]
    for target in (LABEL, FULL_REPLY, SHUFFLED_MOTIVATION):
        for replies, made in zip(weighted_replies(shards, target, CHOICE_FIRST, seed=1), letters.values(), strict=True):
            for letter in "CD":
                assert sum(reply.count for reply in replies if reply.text[0] == letter) == made.count(letter)


def scored_rows(shares: dict[tuple[str, str], float], observations: int) -> list[dict]:
    """A score row for each (order, label of cooperation), and observations that all cooperate."""
    rows = [
        {"record": "score", "order": order, "cooperation_label": label, "p_cooperate": share}
        | {"game": "stag_hunt", "context": "sports"}
        for (order, label), share in shares.items()
    ]
    return rows + [rows[0] | {"record": "observation", "action": "cooperate"}] * observations


SHARES = {(ORDERS[0], "C"): 0.1, (ORDERS[1], "C"): 0.25, (ORDERS[0], "D"): 0.6, (ORDERS[1], "D"): 1.0}


@pytest.mark.parametrize(("form", "ends"), [(CHOICE, True), (CHOICE_FIRST, False)])
def test_each_prompt_has_its_own_exact_probabilities(shard_of, form, ends):
    (replies,) = weighted_replies([shard_of(scored_rows(SHARES, 40))], PROBABILITIES, form, seed=1)
    examples = cell_examples(FILES, replies, list(ORDERS), BOTH)
    found = [{reply.text: reply.count for reply in example.replies} for example in examples]
    assert found == [
        {"C": pytest.approx(4), "D": pytest.approx(36)},
        {"C": pytest.approx(10), "D": pytest.approx(30)},
        # D cooperates here.
        {"D": pytest.approx(24), "C": pytest.approx(16)},
        {"D": 40},
    ]
    assert {reply.ends for example in examples for reply in example.replies} == {ends}
    plain = cell_examples(FILES, replies, [ORDERS[1]], ORIGINAL)
    assert [{reply.text: reply.count for reply in example.replies} for example in plain] == found[1:2]


def test_a_teacher_without_probabilities_in_a_cell_or_in_an_order_is_named(shard_of):
    counts = replay((1, 3), {"model": "teacher", "game": "stag_hunt", "context": "sports"})
    with pytest.raises(UserError, match=r"'probabilities'.*no exact probabilities for stag_hunt in sports.*label"):
        weighted_replies([shard_of(counts)], PROBABILITIES, CHOICE, seed=1)
    one_order = {key: share for key, share in SHARES.items() if key[0] == ORDERS[0]}
    (replies,) = weighted_replies([shard_of(scored_rows(one_order, 40))], PROBABILITIES, CHOICE, seed=1)
    with pytest.raises(UserError, match=f"stag_hunt-x2 in sports in {ORDERS[1]}"):
        cell_examples(FILES, replies, list(ORDERS), ORIGINAL)


def test_exact_probabilities_have_the_loss_of_as_many_replies_in_their_shares(shard_of, tokenizer, local_model):
    """30 of 40 replies that cooperate, or a probability of 3/4."""
    from tom.models.language_models import load_model
    from tom.training.objective import batch_loss, pack_examples

    shares = dict.fromkeys(SHARES, 0.75)
    actions = ["cooperate"] * 30 + ["defect"] * 10
    shard = shard_of([*scored_rows(shares, 0), *choice_rows(*actions)[1:]])
    model = load_model(local_model.weights, "cpu")
    losses = []
    for target in (LABEL, PROBABILITIES):
        (replies,) = weighted_replies([shard], target, CHOICE, seed=1)
        examples = cell_examples(FILES, replies, list(ORDERS), BOTH)
        losses.append(batch_loss(model, pack_examples(tokenizer, examples, 1024)))
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_other_labels_have_the_same_actions_in_prompts_of_their_own():
    replies = (WeightedReply("C", 1), WeightedReply("D", 2))
    pairs = [LABELS, ("wug", "dax")]
    examples = cell_examples(FILES, replies, list(ORDERS), BOTH, pairs)
    assert len({str(example.messages) for example in examples}) == len({example.group for example in examples}) == 8
    assert {example.cell for example in examples} == {"stag_hunt-x2/sports"}
    for example, variant in zip(examples, [v for pair in pairs for v in scored(list(ORDERS), pair)], strict=True):
        found = [(reply.text, reply.count) for reply in example.replies]
        assert found == [(variant.label(True), 1), (variant.label(False), 2)]


def test_other_labels_have_the_probabilities_of_c_and_d(shard_of):
    rows = [
        {"record": "score", "order": order, "cooperation_label": label, "p_cooperate": p}
        for order, label, p in zip(ORDERS * 2, "CCDD", (0.1, 0.2, 0.3, 0.4), strict=True)
    ]
    (replies,) = weighted_replies([shard_of(rows)], PROBABILITIES, CHOICE, seed=1)
    examples = cell_examples(FILES, replies, list(ORDERS), BOTH, [LABELS, ("X", "Y")])
    shares = [{reply.text: reply.count for reply in example.replies} for example in examples]
    found = [share.get("C", share.get("X")) for share in shares]
    assert found == pytest.approx([0.1, 0.2, 0.7, 0.6, 0.1, 0.2, 0.9, 0.8])
