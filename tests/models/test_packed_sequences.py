"""Packed sequences: the structure of the trie, and logits that equal those of each sequence alone."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from regenerate_golden import cell_files

from tom.core.errors import UserError
from tom.models import packed_sequences
from tom.models.language_models import load_model
from tom.models.packed_sequences import Trie, attend, logits_at, logits_of_each, pack, predictions, split
from tom.prompts.cells import render_variants
from tom.prompts.chat import exchange
from tom.prompts.variants import ORDERS, scored

sequences = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=7).map(tuple), min_size=1, max_size=8)


@given(sequences)
def test_each_path_spells_its_sequence(sequences):
    trie = pack(sequences)
    assert [tuple(trie.tokens[path].tolist()) for path in trie.paths] == sequences
    for path in trie.paths:
        assert trie.depth[path].tolist() == list(range(len(path)))


@given(sequences)
def test_each_shared_prefix_has_one_node(sequences):
    beginnings = {sequence[: length + 1] for sequence in sequences for length in range(len(sequence))}
    trie = pack(sequences)
    assert len(trie.tokens) == len(trie.depth) == len(beginnings)
    assert {node for path in trie.paths for node in path} == set(range(len(beginnings)))


@given(sequences)
def test_a_token_attends_to_its_ancestors_and_itself_alone(sequences):
    trie = pack(sequences)
    visible = trie.visible()
    for path in trie.paths:
        for place, node in enumerate(path):
            assert visible[node].nonzero().flatten().tolist() == sorted(path[: place + 1])


@given(sequences, st.data())
def test_the_mask_of_a_part_is_cut_from_that_of_the_whole(sequences, data):
    trie = pack(sequences)
    start, stop = sorted(data.draw(st.integers(0, len(trie.tokens))) for _ in range(2))
    assert torch.equal(trie.visible(slice(start, stop)), trie.visible()[start:stop, :stop])
    assert torch.equal(trie.visible(slice(start, None)), trie.visible()[start:])


def test_a_batch_of_tries_has_the_logits_of_each_alone(tiny_folder, conversations):
    model = load_model(tiny_folder, "cpu")
    tries = [pack(conversations[:3]), pack(conversations[4:5])]
    nodes = [3, 40, len(tries[1].tokens) - 1]
    with torch.inference_mode():
        for trie, together in zip(tries, logits_of_each(model, tries, nodes), strict=True):
            alone = logits_at(model, trie, nodes)
            assert (together - alone).abs().max() < 1e-5 * alone.abs().max()


@given(sequences, st.integers(1, 20))
def test_runs_contain_each_sequence_once_and_stay_within_the_limit(sequences, limit):
    runs = split(sequences, limit)
    assert [index for run in runs for index in run] == list(range(len(sequences)))
    sizes = [len(pack([sequences[index] for index in run]).tokens) for run in runs]
    assert all(size <= limit or len(run) == 1 for size, run in zip(sizes, runs, strict=True))
    for run in runs[:-1]:  # a run ends because the next sequence no longer fitted
        assert len(pack([sequences[index] for index in [*run, run.stop]]).tokens) > limit


@given(sequences, st.data())
def test_predictions_pair_each_token_with_the_node_before_it(sequences, data):
    trie = pack(sequences)
    index = data.draw(st.integers(0, len(sequences) - 1))
    start = data.draw(st.integers(1, len(sequences[index])))
    nodes, targets = predictions(trie, index, start)
    assert targets == list(sequences[index][start:])
    assert nodes == trie.paths[index][start - 1 : -1]


@pytest.fixture(scope="module")
def conversations(tokenizer) -> list[tuple[int, ...]]:
    """Real prompts of two contexts of a game in all variants, with replies that begin alike."""
    found = []
    for context in ("sports", "business"):
        for messages in render_variants(cell_files("stag_hunt", context), scored(list(ORDERS))):
            for reply in ("C", "D", "Cooperate", "Co"):
                row = exchange(tokenizer, messages, reply)
                found.append(row.prompt + row.reply)
    return found


@pytest.mark.parametrize("adapted", [False, True], ids=["bare", "adapter"])
@pytest.mark.parametrize("precision", ["float32", "nf4"])
def test_logits_in_the_trie_are_those_of_each_sequence_alone(request, conversations, precision, adapted):
    folder = request.getfixturevalue("tiny_folder" if precision == "float32" else "nf4_folder")
    model = load_model(folder, "cpu", request.getfixturevalue("adapter_folder") if adapted else None)
    trie = pack(conversations)
    assert len(trie.tokens) < sum(map(len, conversations)) / 3
    with torch.inference_mode():
        packed = logits_at(model, trie, list(range(len(trie.tokens))))
        for sequence, path in zip(conversations, trie.paths, strict=True):
            alone = model(input_ids=torch.tensor([sequence]), use_cache=False).logits[0]
            assert (packed[path] - alone).abs().max() < 1e-5 * alone.abs().max()


def test_attention_to_a_wrong_token_changes_the_logits(tiny_folder, conversations, monkeypatch):
    model = load_model(tiny_folder, "cpu")
    trie = pack(conversations)
    visible = trie.visible()
    last = [path[-1] for path in trie.paths]
    with torch.inference_mode():
        packed = logits_at(model, trie, last)
        monkeypatch.setattr(Trie, "visible", lambda *_: visible)
        visible[last[-1], last[0]] = True
        assert (logits_at(model, trie, last) - packed)[-1].abs().max() > 1e-3


def test_logits_are_returned_in_the_order_asked_for(tiny_folder, conversations):
    model = load_model(tiny_folder, "cpu")
    trie = pack(conversations[:2])
    with torch.inference_mode():
        forth, back = (logits_at(model, trie, nodes) for nodes in ([0, 5, 9], [9, 5, 0]))
    assert torch.equal(forth, back.flip(0))


@pytest.fixture
def cut(conversations) -> tuple:
    """A trie whose first nodes are the first halves of the conversations, and the number of these nodes."""
    halves = [sequence[: len(sequence) // 2] for sequence in conversations]
    return pack([*halves, *conversations]), len(pack(halves).tokens)


@pytest.mark.parametrize("precision", ["float32", "nf4"])
def test_logits_after_a_cache_are_those_without_it(request, cut, precision):
    model = load_model(request.getfixturevalue("tiny_folder" if precision == "float32" else "nf4_folder"), "cpu")
    trie, length = cut
    with torch.inference_mode():
        whole = logits_at(model, trie, list(range(len(trie.tokens))))
        cache = attend(model, trie, length)
        for _ in range(2):  # a cache that the first pass had changed would show in the second
            rest = logits_at(model, trie, list(range(length, len(trie.tokens))), cache)
            assert (rest - whole[length:]).abs().max() < 1e-5 * whole.abs().max()


@pytest.mark.parametrize("precision", ["float32", "nf4"])
def test_many_nodes_in_parts_have_the_logits_of_one_pass(request, cut, precision, monkeypatch):
    model = load_model(request.getfixturevalue("tiny_folder" if precision == "float32" else "nf4_folder"), "cpu")
    trie, length = cut
    asked = [*range(len(trie.tokens) - 1, length - 1, -3), length]
    with torch.inference_mode():
        whole = logits_at(model, trie, asked)
        monkeypatch.setattr(packed_sequences, "LONGEST", 0)
        monkeypatch.setattr(packed_sequences, "PART", 50)
        assert length % 50 and length > 100
        cache = attend(model, trie, length)
        for known in (cache, cache, None):  # the second would see that the first had changed the cache
            parts = logits_at(model, trie, asked, known)
            assert (parts - whole).abs().max() < 1e-5 * whole.abs().max()


def test_a_mask_of_many_nodes_has_the_rows_of_a_part(tiny_folder, monkeypatch):
    monkeypatch.setattr(packed_sequences, "LONGEST", 64)
    monkeypatch.setattr(packed_sequences, "PART", 16)
    sizes = []
    whole = Trie.visible
    monkeypatch.setattr(Trie, "visible", lambda trie, part, device: sizes.append(part) or whole(trie, part, device))
    trie = pack([tuple(range(3, 103))])
    with torch.inference_mode():
        logits_at(load_model(tiny_folder, "cpu"), trie, [99])
    assert [part.stop - part.start for part in sizes] == [16] * 6 + [4]


def test_logits_of_a_cached_node_are_refused(tiny_folder, cut):
    model = load_model(tiny_folder, "cpu")
    trie, length = cut
    with torch.inference_mode(), pytest.raises(ValueError, match=f"node {length - 1} "):
        logits_at(model, trie, [length - 1, length], attend(model, trie, length))


@pytest.mark.parametrize(("window", "kinds"), [(4, None), (4096, ["linear_attention"] * 2)])
def test_layers_that_do_not_attend_to_everything_in_the_mask_are_refused(tiny_folder, conversations, window, kinds):
    model = load_model(tiny_folder, "cpu")
    model.config.sliding_window, model.config.layer_types = window, kinds
    trie = pack(conversations[:1])
    with pytest.raises(UserError, match="slides over 4" if kinds is None else "linear_attention"):
        logits_at(model, trie, [0])


def test_a_window_longer_than_any_sequence_changes_nothing(tiny_folder, conversations):
    model = load_model(tiny_folder, "cpu")
    trie = pack(conversations[:2])
    with torch.inference_mode():
        before = logits_at(model, trie, [5])
        model.config.sliding_window = len(trie.tokens)
        assert torch.equal(logits_at(model, trie, [5]), before)
