"""The loss of a batch: the mean negative log-likelihood of the teacher's reply tokens.

The mean is over every reply token of every observation, as in supervised fine-tuning on completions; prompt tokens have
no loss. Equal replies are computed once and weighted by their count.

The attention mask of a forward pass grows with the square of its tokens, so a batch of long replies is split into packs
of bounded size, whose gradients are summed. The step does not depend on the size of the packs
(tests/training/test_objective.py). The tokens that several packs begin with are the batch's stem. Its forward pass runs
once, before the packs, which reuse its keys and values. Its backward pass runs once, after the packs, from the
gradients that they leave on these keys and values.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import chain

import torch

from tom.models.packed_sequences import (
    Trie,
    cache_of,
    logits_and_cache,
    logits_at,
    pack,
    predictions,
    shared_lengths,
    split,
    states_of,
)
from tom.prompts.chat import exchange
from tom.training.batching import MIXED, Row
from tom.training.examples import TrainingExample

States = list[tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True)
class Pack:
    """Some rows of a batch, computed in one forward pass.

    nodes: the K nodes of the trie whose logits enter the loss. targets: (K,) the token ids that they predict. weights:
    (K,) the observations of each. stem: the nodes of the batch's stem that are the first nodes of this trie.
    """

    trie: Trie
    nodes: list[int]
    targets: torch.Tensor
    weights: torch.Tensor
    stem: list[int]


@dataclass(frozen=True)
class Batch:
    """Replies learnt in one step. group: of its rows. The weights of stem and packs sum to its supervised tokens."""

    group: str
    stem: Pack | None
    packs: list[Pack]

    def forward_passes(self) -> list[Pack]:
        """The stem, if there is one, and the packs, in the order of their forward passes."""
        return [*self.packs] if self.stem is None else [self.stem, *self.packs]

    def tokens(self) -> int:
        """The number of tokens that one pass over the batch computes."""
        return sum(len(part.trie.tokens) - len(part.stem) for part in self.forward_passes())

    def weight(self) -> float:
        """The number of supervised tokens, with those of equal replies counted once per observation."""
        return sum(part.weights.sum().item() for part in self.forward_passes())


def tokenise(tokenizer, examples: list[TrainingExample]) -> list[Row]:
    """One row for each distinct reply of each example, in their order."""
    rows = []
    for example in examples:
        for reply in example.replies:
            ids = exchange(tokenizer, example.messages, reply.text, reply.ends, reply.given)
            rows.append(Row(example.group, ids.prompt, ids.reply, reply.count, example.cell))
    return rows


def pack_examples(tokenizer, examples: list[TrainingExample], tokens_per_pack: int) -> Batch:
    """Some examples as one batch."""
    return pack_rows(tokenise(tokenizer, examples), tokens_per_pack)


def pack_rows(rows: list[Row], tokens_per_pack: int) -> Batch:
    """Pack the rows of one batch.

    tokens_per_pack: the limit for a pack, including the part of the stem that it reuses. Only a single row that is
    longer exceeds it.
    """
    sequences = [row.prompt + row.reply for row in rows]
    runs = split(sequences, tokens_per_pack)
    lengths = shared_lengths(sequences, runs)
    openings = [sequence[:length] for sequence, length in zip(sequences, lengths, strict=True)]
    shared = _distinct(openings)
    stem, stem_counts, packs = pack(shared), Counter(), []
    path_of = dict(zip(shared, stem.paths, strict=True))
    for run in runs:
        own = _distinct(openings[run.start : run.stop])
        # The nodes of the openings come first, so that the stem's cache covers the first nodes of the trie.
        trie = pack([*own, *sequences[run.start : run.stop]])
        in_stem = dict(zip(chain(*trie.paths[: len(own)]), chain(*(path_of[opening] for opening in own)), strict=True))
        counts = Counter()
        for place, index in enumerate(run, start=len(own)):
            row = rows[index]
            for node, target in zip(*predictions(trie, place, len(row.prompt)), strict=True):
                if node in in_stem:
                    stem_counts[in_stem[node], target] += row.count
                else:
                    counts[node, target] += row.count
        if counts:
            packs.append(_weigh(trie, counts, list(in_stem.values())))
    groups = {row.group for row in rows}
    group = groups.pop() if len(groups) == 1 else MIXED
    return Batch(group, _weigh(stem, stem_counts, []) if stem.parents else None, packs)


def _distinct(sequences: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    return [sequence for sequence in dict.fromkeys(sequences) if sequence]


def _weigh(trie: Trie, counts: Counter[tuple[int, int]], stem: list[int]) -> Pack:
    nodes, targets = zip(*counts, strict=True) if counts else ((), ())
    weights = torch.tensor(list(counts.values()), dtype=torch.float32)
    return Pack(trie, list(nodes), torch.tensor(targets, dtype=torch.long), weights, stem)


def add_gradient(model, batch: Batch) -> float:
    """Add the gradient of the batch's loss to the model's parameters, and return the loss in nats per token.

    At most one pack's forward pass is in memory at a time, besides the stem's.
    """
    total = batch.weight()
    loss, states = _stem_loss(model, batch, total)
    # What no adapter has a part in, such as the first layer's keys, has no gradient to go back to.
    leaves = [tuple(part.detach().requires_grad_(part.requires_grad) for part in layer) for layer in states]
    # In float32: a sum over many packs in bfloat16 would lose their smaller gradients.
    sums: dict[torch.Tensor, torch.Tensor] = {}
    value = loss.item()
    for part in batch.packs:
        found = _pack_loss(model, part, leaves, total)
        found.backward()
        value += found.item()
        for leaf in chain(*leaves):
            if leaf.grad is not None:
                sums[leaf] = leaf.grad.float() + sums[leaf] if leaf in sums else leaf.grad.float()
                leaf.grad = None
    if batch.stem is not None:
        pairs = zip(chain(*states), chain(*leaves), strict=True)
        read = [(part, sums[leaf].to(part.dtype)) for part, leaf in pairs if leaf in sums]
        torch.autograd.backward([loss, *(part for part, _ in read)], [None, *(gradient for _, gradient in read)])
    return value


def batch_loss(model, batch: Batch) -> float:
    """The batch's loss in nats per token, without a gradient."""
    total = batch.weight()
    with torch.no_grad():
        loss, states = _stem_loss(model, batch, total)
        return loss.item() + sum(_pack_loss(model, part, states, total).item() for part in batch.packs)


def _stem_loss(model, batch: Batch, total: float) -> tuple[torch.Tensor, States]:
    """The stem's part of the loss, and its keys and values."""
    if batch.stem is None:
        return torch.zeros(()), []
    with mixed_precision(model):
        logits, cache = logits_and_cache(model, batch.stem.trie, batch.stem.nodes)
    return _weighted_loss(logits, batch.stem, total), states_of(cache)


def _pack_loss(model, part: Pack, states: States, total: float) -> torch.Tensor:
    """One pack's part of the loss. states: the keys and values of the stem."""
    known = [(keys[:, :, part.stem], values[:, :, part.stem]) for keys, values in states]
    cache = cache_of(known) if part.stem else None
    with mixed_precision(model):
        logits = logits_at(model, part.trie, part.nodes, cache)
    return _weighted_loss(logits, part, total)


def mixed_precision(model) -> torch.autocast:
    """Autocast to bfloat16 around the forward passes of a model in bfloat16; for a model in float32 it does nothing.

    An adapter's weights are float32. Outside of autocast PEFT converts the input of each adapted layer to float32 and
    keeps the copy for the backward pass, which doubles the memory of a pass (docs/decisions.md).
    """
    return torch.autocast(model.device.type, torch.bfloat16, enabled=model.dtype == torch.bfloat16)


def _weighted_loss(logits: torch.Tensor, part: Pack, total: float) -> torch.Tensor:
    losses = torch.nn.functional.cross_entropy(logits, part.targets.to(logits.device), reduction="none")
    return (losses * part.weights.to(logits.device)).sum() / total
