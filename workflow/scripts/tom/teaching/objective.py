"""The loss of a group of lessons: the mean negative log-likelihood of the teacher's reply tokens.

Mean over every reply token of every observation, prompts left out, as in supervised fine-tuning on
completions; an observation's tokens are computed once however often it occurred.

Long replies don't fit into one forward pass: its mask grows with the square of its tokens. A group is then cut
into packs of bounded size whose parts of the loss sum to the group's, so the gradients of one step are summed over
its packs and a step is the same however small they are (tests/test_objective.py). It stays one step for each
group, whatever is taught: what is learnt from choices and from motivations differs in nothing but the replies.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from tom.asking.chat import Exchange, exchange
from tom.engines.trie import Trie, logits_at, pack, predictions, split
from tom.teaching.lessons import Lesson


@dataclass(frozen=True)
class Pack:
    """Some rows of a group in one forward pass.

    nodes: K places that predict. targets: (K,) token ids. weights: (K,) observations of each.
    """

    trie: Trie
    nodes: list[int]
    targets: torch.Tensor
    weights: torch.Tensor


@dataclass(frozen=True)
class Batch:
    """A group of lessons, learnt in one step; the weights of its packs sum to the group's supervised tokens."""

    group: str
    packs: list[Pack]

    def tokens(self) -> int:
        """Tokens that a pass over the batch computes."""
        return sum(len(pack.trie.tokens) for pack in self.packs)


def pack_lessons(tokenizer, lessons: list[Lesson], tokens_per_pack: int) -> Batch:
    """Tokenise the lessons of one group and pack them; a pack has more tokens only where one row alone has."""
    rows = [
        (exchange(tokenizer, lesson.messages, reply.text, reply.ends, reply.given), reply.count)
        for lesson in lessons
        for reply in lesson.replies
    ]
    runs = split([row.prompt + row.reply for row, _ in rows], tokens_per_pack)
    return Batch(lessons[0].group, [_pack_rows([rows[index] for index in run]) for run in runs])


def _pack_rows(rows: list[tuple[Exchange, int]]) -> Pack:
    trie = pack([row.prompt + row.reply for row, _ in rows])
    counted: dict[tuple[int, int], float] = {}
    for index, (row, count) in enumerate(rows):
        for place in zip(*predictions(trie, index, len(row.prompt)), strict=True):
            counted[place] = counted.get(place, 0.0) + count
    nodes, targets = map(list, zip(*counted, strict=True))
    return Pack(trie, nodes, torch.tensor(targets), torch.tensor(list(counted.values())))


def partial_losses(model, batch: Batch) -> Iterator[torch.Tensor]:
    """The parts of the batch's loss, a scalar for each pack.

    Whoever takes a part's gradient before drawing the next one holds a single forward pass in memory.
    """
    total = torch.cat([pack.weights for pack in batch.packs]).sum()
    for part in batch.packs:
        logits = logits_at(model, part.trie, part.nodes)
        losses = torch.nn.functional.cross_entropy(logits, part.targets.to(logits.device), reduction="none")
        yield (losses * part.weights.to(logits.device)).sum() / total.to(logits.device)


def batch_loss(model, batch: Batch) -> torch.Tensor:
    """Mean negative log-likelihood of the batch's supervised tokens, in nats; a scalar."""
    return sum(partial_losses(model, batch))
