"""The loss of a group of lessons: the mean negative log-likelihood of the teacher's reply tokens.

Mean over every reply token of every observation, prompts left out, as in supervised fine-tuning on
completions; an observation's tokens are computed once however often it occurred.
"""

from dataclasses import dataclass

import torch

from tom.chat import exchange
from tom.lessons import Lesson
from tom.trie import Trie, logits_at, pack, predictions


@dataclass(frozen=True)
class Batch:
    """A packed group of lessons.

    nodes: K places that predict. targets: (K,) token ids. weights: (K,) observations of each, summing to
    the group's supervised tokens.
    """

    group: str
    trie: Trie
    nodes: list[int]
    targets: torch.Tensor
    weights: torch.Tensor


def pack_lessons(tokenizer, lessons: list[Lesson]) -> Batch:
    """Tokenise and pack the lessons of one group."""
    rows = [
        (exchange(tokenizer, lesson.messages, reply), count) for lesson in lessons for reply, count in lesson.replies
    ]
    trie = pack([row.prompt + row.reply for row, _ in rows])
    counted: dict[tuple[int, int], float] = {}
    for index, (row, count) in enumerate(rows):
        for place in zip(*predictions(trie, index, len(row.prompt)), strict=True):
            counted[place] = counted.get(place, 0.0) + count
    nodes, targets = map(list, zip(*counted, strict=True))
    return Batch(lessons[0].group, trie, nodes, torch.tensor(targets), torch.tensor(list(counted.values())))


def batch_loss(model, batch: Batch) -> torch.Tensor:
    """Mean negative log-likelihood of the batch's supervised tokens, in nats; a scalar."""
    logits = logits_at(model, batch.trie, batch.nodes)
    losses = torch.nn.functional.cross_entropy(logits, batch.targets.to(logits.device), reduction="none")
    weights = batch.weights.to(logits.device)
    return (losses * weights).sum() / weights.sum()
