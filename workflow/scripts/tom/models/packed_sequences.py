"""A token trie packed into one forward pass, for scoring and training: sequences share the tokens that they begin with.

The nodes of the trie form one row. A token attends to its ancestors and itself, and its position is its depth. In exact
arithmetic, each node's logits equal those of its sequence run alone (tests/models/test_packed_sequences.py). So 300
replies to a prompt compute the prompt once, and prompts that begin with the same rules compute these once.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import torch
from transformers import DynamicCache
from transformers.cache_utils import Cache, DynamicLayer

from tom.core.errors import UserError

LONGEST, PART = 4096, 1024
"""Without gradients, more nodes than LONGEST are computed PART at a time: a mask of all grows with their square."""


@dataclass(frozen=True)
class Trie:
    """Packed sequences, with N nodes in total.

    tokens: (N,) token ids. depth: (N,) the position of each node in its sequence. parents: (N,) the index of the
    preceding node, which is lower than the node's own; -1 for a first token. paths: for each sequence, the nodes of its
    tokens.
    """

    tokens: torch.Tensor
    depth: torch.Tensor
    parents: list[int]
    paths: list[list[int]]

    @cached_property
    def spans(self) -> torch.Tensor:
        """(2, N): each node's number in depth-first order, and the highest number among itself and its descendants."""
        sizes = [1] * len(self.parents)
        for node in range(len(sizes) - 1, -1, -1):
            if self.parents[node] >= 0:
                sizes[self.parents[node]] += sizes[node]
        # Where the next child of each node begins; the last place, which -1 stands for, is that of first tokens.
        free = [0] * (len(sizes) + 1)
        first = []
        for node, parent in enumerate(self.parents):
            first.append(free[parent])
            free[parent] += sizes[node]
            free[node] = first[node] + 1
        last = [start + size - 1 for start, size in zip(first, sizes, strict=True)]
        return torch.tensor([first, last], dtype=torch.int32)

    def visible(self, part: slice = slice(None), device="cpu") -> torch.Tensor:
        """The attention mask of a slice of the nodes, bool: row attends to column, (rows, nodes up to the slice's end).

        Made on the device by one comparison. Not cached, since it takes a byte for each pair of nodes.
        """
        spans = self.spans.to(device)
        return _is_descendant(spans[:, part], spans[:, : part.stop])


def _is_descendant(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Whether each row's node is the column's node or below it: (..., 2, R), (..., 2, C) → (..., R, C) bool."""
    number, (first, last) = rows[..., 0, :, None], columns[..., None, :].unbind(-3)
    return (first <= number) & (number <= last)


def pack(sequences: list[tuple[int, ...]]) -> Trie:
    """Build the trie of some token sequences, none of which is empty."""
    nodes: dict[tuple[int, int], int] = {}
    paths = [_grow(nodes, sequence) for sequence in sequences]
    depth = [0] * len(nodes)
    for path in paths:
        for position, node in enumerate(path):
            depth[node] = position
    tokens, parents = [token for _, token in nodes], [parent for parent, _ in nodes]
    return Trie(torch.tensor(tokens), torch.tensor(depth), parents, paths)


def split(sequences: list[tuple[int, ...]], limit: int) -> list[range]:
    """Split the sequences into runs of neighbours, as ranges of indices, whose tries have at most `limit` nodes.

    A longer sequence forms a run of its own.
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
    """For each sequence, the number of leading tokens that it shares with a sequence of another run."""
    nodes: dict[tuple[int, int], int] = {}
    paths = [_grow(nodes, sequence) for sequence in sequences]
    found = Counter(node for run in runs for node in {node for index in run for node in paths[index]})
    return [sum(found[node] > 1 for node in path) for path in paths]


def _grow(nodes: dict[tuple[int, int], int], sequence: tuple[int, ...]) -> list[int]:
    """Add a sequence to `nodes`, (parent, token) → index in order of appearance, and return its path."""
    path, parent = [], -1
    for token in sequence:
        parent = nodes.setdefault((parent, token), len(nodes))
        path.append(parent)
    return path


def attend(model, trie: Trie, length: int) -> DynamicCache:
    """The key-value cache of the first `length` nodes, which must include all of their ancestors.

    Errors: as _forward.
    """
    if length > LONGEST:
        cache = DynamicCache()
        _logits_in_parts(model, trie, range(length), [], cache)
        return cache
    return _forward(model, trie, slice(0, length), use_cache=True, logits_to_keep=1).past_key_values


def logits_and_cache(model, trie: Trie, nodes: list[int]) -> tuple[torch.Tensor, Cache]:
    """As logits_at, with the key-value cache of the whole trie from the same forward pass."""
    keep = torch.tensor(nodes, dtype=torch.long, device=model.device)
    cache = Cache(layer_class_to_replicate=_KnownStates)
    output = _forward(model, trie, slice(0, None), past_key_values=cache, logits_to_keep=keep)
    return _exact_logits(output)[0], cache


def logits_at(model, trie: Trie, nodes: list[int], cache: Cache | None = None) -> torch.Tensor:
    """Next-token logits after some nodes: (len(nodes), vocabulary) float32, on the model's device.

    cache: of the trie's first nodes, from `attend`; it is not modified. Errors: ValueError if one of `nodes` is in the
    cache; UserError as _forward.
    """
    known = 0 if cache is None else cache.get_seq_length()
    if min(nodes) < known:
        raise ValueError(f"node {min(nodes)} is among the {known} that a cache holds, which predict nothing more")
    if len(trie.tokens) - known > LONGEST and not torch.is_grad_enabled():
        return _logits_in_parts(model, trie, range(known, len(trie.tokens)), nodes, _growing(cache))
    keep = torch.tensor(nodes, device=model.device) - known
    past = {"past_key_values": cache_of(states_of(cache))} if known else {"use_cache": False}
    return _exact_logits(_forward(model, trie, slice(known, None), logits_to_keep=keep, **past))[0]


def _growing(cache: Cache | None) -> DynamicCache:
    """A cache that begins with these states and grows by each pass, which the given one does not."""
    grown = DynamicCache()
    for number, states in enumerate(states_of(cache) if cache is not None else []):
        grown.update(*states, number)
    return grown


def _logits_in_parts(model, trie: Trie, part: range, nodes: list[int], cache: DynamicCache) -> torch.Tensor | None:
    """As logits_at for nodes of a part of the trie, with PART of it in a forward pass; None without nodes.

    cache: of all earlier nodes; it grows by the part.
    """
    found = {}
    for start in part[::PART]:
        stop = min(start + PART, part.stop)
        own = [node for node in nodes if start <= node < stop]
        keep = torch.tensor([node - start for node in own] or [0], device=model.device)
        output = _forward(model, trie, slice(start, stop), past_key_values=cache, use_cache=True, logits_to_keep=keep)
        found |= dict(zip(own, _exact_logits(output)[0]))
    return torch.stack([found[node] for node in nodes]) if nodes else None


class _KnownStates(DynamicLayer):
    """One layer's cache whose states never grow: an update sees them with those of its own forward pass behind them.

    So an update may be repeated, as gradient checkpointing does when it computes a layer again.
    """

    def __init__(self, *known: torch.Tensor):
        super().__init__()
        self.known = known
        if known:
            self.lazy_initialization(*known)
            self.keys, self.values = known

    def update(self, key_states, value_states, *args, **kwargs) -> tuple[torch.Tensor, torch.Tensor]:
        self.lazy_initialization(key_states, value_states)
        own = (key_states, value_states)
        if self.known:
            own = tuple(torch.cat(pair, dim=-2) for pair in zip(self.known, own, strict=True))
        self.keys, self.values = own
        return own


def cache_of(states: list[tuple[torch.Tensor, torch.Tensor]]) -> Cache:
    """A cache of these keys and values, which a forward pass reads."""
    return Cache(layers=[_KnownStates(*pair) for pair in states])


def states_of(cache: Cache) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The keys and values of each layer, (1, heads, nodes, head size)."""
    return [(layer.keys, layer.values) for layer in cache.layers]


def logits_of_each(model, tries: list[Trie], nodes: list[int]) -> torch.Tensor:
    """Next-token logits after the same nodes of several tries, in one batch: (tries, nodes, vocabulary) float32.

    The logits of nodes that a shorter trie does not have are meaningless. Errors: as _forward.
    """
    _check_sight(model, tries)
    size = max(len(trie.tokens) for trie in tries)
    tokens, depth = (torch.zeros(len(tries), size, dtype=torch.long) for _ in range(2))
    # Padding attends to itself alone, and nothing attends to it.
    spans = torch.arange(size, dtype=torch.int32).repeat(len(tries), 2, 1)
    for row, trie in enumerate(tries):
        length = len(trie.tokens)
        tokens[row, :length], depth[row, :length], spans[row, :, :length] = trie.tokens, trie.depth, trie.spans
    spans = spans.to(model.device)
    output = model(
        input_ids=tokens.to(model.device),
        position_ids=depth.to(model.device),
        attention_mask=_is_descendant(spans, spans)[:, None],
        use_cache=False,
        logits_to_keep=torch.tensor(nodes, device=model.device),
    )
    return _exact_logits(output)


def _forward(model, trie: Trie, part: slice, **options):
    """A forward pass over a slice of the nodes; earlier nodes must be in a cache among the options.

    Errors: UserError if layers of the model do not attend to everything in the mask.
    """
    _check_sight(model, [trie])
    return model(
        input_ids=trie.tokens[None, part].to(model.device),
        position_ids=trie.depth[None, part].to(model.device),
        attention_mask=trie.visible(part, model.device)[None, None],
        **options,
    )


def _exact_logits(output) -> torch.Tensor:
    """A forward pass's logits, (rows, nodes, vocabulary) float32. Errors: UserError if the model has rounded them."""
    if output.logits.dtype != torch.float32:
        kind = str(output.logits.dtype).removeprefix("torch.")
        raise UserError(
            f"the model rounds its logits to {kind}, and so its probabilities"
            " (allowed: precision: float32, or a model whose output head is a plain linear layer)"
        )
    return output.logits


def _check_sight(model, tries: list[Trie]) -> None:
    config, length = model.config.get_text_config(), 1 + max(int(trie.depth.max()) for trie in tries)
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if blind := sorted(kinds - {"full_attention", "sliding_attention"}):
        raise UserError(f"the model has layers of the kind {blind[0]} (allowed: full_attention, sliding_attention)")
    window = getattr(config, "sliding_window", None)
    if window and length > window:
        raise UserError(f"a prompt with its reply has {length} tokens, and the model's attention slides over {window}")


def predictions(trie: Trie, sequence: int, start: int) -> tuple[list[int], list[int]]:
    """The nodes that predict the tokens of one sequence from index `start` on, and these token ids."""
    path = trie.paths[sequence]
    targets = [int(trie.tokens[node]) for node in path[start:]]
    return path[start - 1 : -1], targets
