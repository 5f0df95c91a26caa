"""The cells of a study, as its config has them."""

from pathlib import Path

import yaml

from tom.config.study import all_cells, cells_of, out_of_sample_splits, rewordings, splits_of_kind, training_size
from tom.games import kinds as game_kinds

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())


def test_the_default_cells_are_those_of_the_paper(root):
    assert [len(cells_of(split)) for split in CONFIG["splits"].values()] == [20, 12, 20, 1]
    choices, contributions = (splits_of_kind(CONFIG["splits"], kind, root / "resources") for kind in game_kinds.LOADERS)
    assert list(contributions) == ["public_goods"]
    assert len(all_cells(choices)) == 52
    assert out_of_sample_splits(choices) == ["doubled_payoffs", "out_of_sample_contexts"]


def test_the_size_of_a_training_counts_orders_mappings_and_uniform_targets():
    assert training_size(CONFIG) == (8, 40, 12_000, 40)
    training = {"option_orders": ["cooperation_first"], "label_mapping": "both", "uniform_target_contexts": ["exam"]}
    other = CONFIG | {"training": CONFIG["training"] | training, "observations": 10}
    assert training_size(other) == (8, 48, 480, 48)
    pairs = {"label_pairs": [["C", "D"], ["E", "F"]], "variants_per_epoch": 1}
    assert training_size(CONFIG | {"training": CONFIG["training"] | pairs}) == (16, 80, 24_000, 20)


def test_a_live_teachers_replies_are_learnt_in_their_own_order_alone():
    live = CONFIG | {"teacher": {"engine": "vllm"}}
    assert training_size(live).replies == 6_000
    one_order = {"training": CONFIG["training"] | {"option_orders": ["cooperation_first"]}}
    assert training_size(live | one_order).replies == 3_000
    assert training_size(live | {"option_orders": ["cooperation_first"]}).replies == 12_000


def test_a_cell_of_two_splits_counts_once():
    split = {"games": ["stag_hunt"], "contexts": ["sports"]}
    assert all_cells({"one": split, "two": split}) == [("stag_hunt", "sports")]


def test_a_context_that_was_left_out_is_asked_in_every_other_wording(root):
    found = rewordings(["business", "teamwork_b", "sports"], root / "resources")
    assert found == {"business": ["business_b", "business_c"], "teamwork_b": ["teamwork", "teamwork_c"], "sports": []}


def test_a_situation_that_is_taught_in_two_wordings_is_never_left_out(root):
    found = rewordings(["business", "business_c", "teamwork"], root / "resources")
    assert found == {"business": [], "business_c": [], "teamwork": ["teamwork_b", "teamwork_c"]}
