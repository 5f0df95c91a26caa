"""Token sequences that share beginnings, packed so that each shared token is computed once.

A trie over the sequences is laid out as one row: a token sees its ancestors and itself, and stands at the
position of its depth. In exact arithmetic each node's logits equal those of its sequence run alone
(tests/models/test_packed_sequences.py), so 300 replies to a prompt cost one prompt, and prompts that begin with the same
rules cost those rules once.
"""

from collections import Counter
from dataclasses import dataclass

import torch
from transformers import DynamicCache

from tom.core.errors import UserError


@dataclass(frozen=True)
class Trie:
    """Packed sequences; N nodes in all.

    tokens: (N,) token ids. depth: (N,) position of each node in its sequence. parents: (N,) the node before
    each, which has a lower number; -1 for a first token. paths: for each sequence, the node of each of its tokens.
    """

    tokens: torch.Tensor
    depth: torch.Tensor
    parents: list[int]
    paths: list[list[int]]

    def visible(self) -> torch.Tensor:
        """(N, N) bool, row sees column. Made anew at each call: N nodes take N² bytes."""
        visible = torch.eye(len(self.parents), dtype=torch.bool)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                visible[node] |= visible[parent]
        return visible


def pack(sequences: list[tuple[int, ...]]) -> Trie:
    """Build the trie of some token sequences, none of them empty."""
    nodes: dict[tuple[int, int], int] = {}
    paths = [_grow(nodes, sequence) for sequence in sequences]
    depth = [0] * len(nodes)
    for path in paths:
        for position, node in enumerate(path):
            depth[node] = position
    tokens, parents = [token for _, token in nodes], [parent for parent, _ in nodes]
    return Trie(torch.tensor(tokens), torch.tensor(depth), parents, paths)


def split(sequences: list[tuple[int, ...]], limit: int) -> list[range]:
    """Runs of neighbouring sequences, as indices, each as long as its trie has at most `limit` nodes.

    A sequence that has more than that by itself is a run of its own.
    """
    runs, start = [], 0
    nodes: dict[tuple[int, int], int] = {}
    for index, sequence in enumerate(sequences):
        _grow(nodes, sequence)
        if len(nodes) > limit and index > start:
            runs.append(range(start, index))
            start, nodes = index, {}
            _grow(nodes, sequence)
    return [*runs, range(start, len(sequences))]


def shared_lengths(sequences: list[tuple[int, ...]], runs: list[range]) -> list[int]:
    """How many tokens at the beginning of each sequence are the same as in a sequence of another run."""
    nodes: dict[tuple[int, int], int] = {}
    paths = [_grow(nodes, sequence) for sequence in sequences]
    found = Counter(node for run in runs for node in {node for index in run for node in paths[index]})
    return [sum(found[node] > 1 for node in path) for path in paths]


def _grow(nodes: dict[tuple[int, int], int], sequence: tuple[int, ...]) -> list[int]:
    """Add a sequence to nodes, numbered by (parent, token) as they come, and return its path."""
    path, parent = [], -1
    for token in sequence:
        parent = nodes.setdefault((parent, token), len(nodes))
        path.append(parent)
    return path


def attend(model, trie: Trie, length: int) -> DynamicCache:
    """The key-value cache of the first `length` nodes, all of whose ancestors are among them."""
    return _forward(model, trie, slice(0, length), use_cache=True, logits_to_keep=1).past_key_values


def logits_and_cache(model, trie: Trie, nodes: list[int]) -> tuple[torch.Tensor, DynamicCache]:
    """As logits_at, and the key-value cache of the whole trie, from one pass."""
    keep = torch.tensor(nodes, dtype=torch.long, device=model.device)
    output = _forward(model, trie, slice(0, None), use_cache=True, logits_to_keep=keep)
    return output.logits[0].float(), output.past_key_values


def logits_at(model, trie: Trie, nodes: list[int], cache: DynamicCache | None = None) -> torch.Tensor:
    """Next-token logits after each of some nodes: (len(nodes), vocabulary), float32, on the model's device.

    cache: of the trie's first nodes, from `attend`; it is left as it was.
    Errors: ValueError if one of those is asked for.
    """
    known = 0 if cache is None else cache.get_seq_length()
    if min(nodes) < known:
        raise ValueError(f"node {min(nodes)} is among the {known} that a cache holds, which predict nothing more")
    keep = torch.tensor(nodes, device=model.device) - known
    # A forward pass appends to the cache that it is given.
    past = {"past_key_values": DynamicCache(states_of(cache))} if known else {"use_cache": False}
    return _forward(model, trie, slice(known, None), logits_to_keep=keep, **past).logits[0].float()


def states_of(cache: DynamicCache) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Keys and values of each layer, (1, heads, nodes, size); DynamicCache makes a cache of them again."""
    return [(layer.keys, layer.values) for layer in cache.layers]


def logits_of_each(model, tries: list[Trie], nodes: list[int]) -> torch.Tensor:
    """Next-token logits after the same nodes of several tries, side by side: (tries, nodes, vocabulary), float32.

    A node that a shorter trie lacks has logits without meaning.
    """
    _check_sight(model, tries)
    size = max(len(trie.tokens) for trie in tries)
    tokens, depth = (torch.zeros(len(tries), size, dtype=torch.long) for _ in range(2))
    # What fills a row up sees itself alone, and nothing sees it.
    visible = torch.eye(size, dtype=torch.bool).repeat(len(tries), 1, 1)
    for row, trie in enumerate(tries):
        length = len(trie.tokens)
        tokens[row, :length], depth[row, :length] = trie.tokens, trie.depth
        visible[row, :length, :length] = trie.visible()
    output = model(
        input_ids=tokens.to(model.device),
        position_ids=depth.to(model.device),
        attention_mask=visible[:, None].to(model.device),
        use_cache=False,
        logits_to_keep=torch.tensor(nodes, device=model.device),
    )
    return output.logits.float()


def _forward(model, trie: Trie, part: slice, **options):
    """A forward pass over some nodes, which may see all nodes up to the last of them.

    Errors: UserError where layers of the model would not see all that the mask shows them.
    """
    _check_sight(model, [trie])
    return model(
        input_ids=trie.tokens[None, part].to(model.device),
        position_ids=trie.depth[None, part].to(model.device),
        attention_mask=trie.visible()[None, None, part, : part.stop].to(model.device),
        **options,
    )


def _check_sight(model, tries: list[Trie]) -> None:
    config, length = model.config.get_text_config(), 1 + max(int(trie.depth.max()) for trie in tries)
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if blind := sorted(kinds - {"full_attention", "sliding_attention"}):
        raise UserError(f"the model has layers of the kind {blind[0]} (allowed: full_attention, sliding_attention)")
    window = getattr(config, "sliding_window", None)
    if window and length > window:
        raise UserError(f"a prompt with its reply has {length} tokens, and the model's attention slides over {window}")


def predictions(trie: Trie, sequence: int, start: int) -> tuple[list[int], list[int]]:
    """For the tokens of one sequence from index `start`: the nodes that predict them, and the tokens."""
    path = trie.paths[sequence]
    targets = [int(trie.tokens[node]) for node in path[start:]]
    return path[start - 1 : -1], targets
