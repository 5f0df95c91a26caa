"""Token sequences that share beginnings, packed so that each shared token is computed once.

A trie over the sequences is laid out as one row: a token sees its ancestors and itself, and stands at the
position of its depth. In exact arithmetic each node's logits equal those of its sequence run alone
(tests/test_trie.py), so 300 replies to a prompt cost one prompt, and prompts that begin with the same
rules cost those rules once.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Trie:
    """Packed sequences; N nodes in all.

    tokens: (N,) token ids. depth: (N,) position of each node in its sequence. visible: (N, N) bool, row
    sees column. paths: for each sequence, the node of each of its tokens.
    """

    tokens: torch.Tensor
    depth: torch.Tensor
    visible: torch.Tensor
    paths: list[list[int]]


def pack(sequences: list[tuple[int, ...]]) -> Trie:
    """Build the trie of some token sequences, none of them empty."""
    nodes: dict[tuple[int, int], int] = {}
    tokens, parents, depth, paths = [], [], [], []
    for sequence in sequences:
        parent, path = -1, []
        for position, token in enumerate(sequence):
            node = nodes.get((parent, token))
            if node is None:
                node = nodes[parent, token] = len(tokens)
                tokens.append(token)
                parents.append(parent)
                depth.append(position)
            path.append(node)
            parent = node
        paths.append(path)
    visible = torch.eye(len(tokens), dtype=torch.bool)
    for node, parent in enumerate(parents):
        if parent >= 0:
            visible[node] |= visible[parent]
    return Trie(torch.tensor(tokens), torch.tensor(depth), visible, paths)


def logits_at(model, trie: Trie, nodes: list[int]) -> torch.Tensor:
    """Next-token logits after each of some nodes: (len(nodes), vocabulary), float32, on the model's device."""
    device = model.device
    output = model(
        input_ids=trie.tokens[None].to(device),
        position_ids=trie.depth[None].to(device),
        attention_mask=trie.visible[None, None].to(device),
        use_cache=False,
        logits_to_keep=torch.tensor(nodes, device=device),
    )
    return output.logits[0].float()


def predictions(trie: Trie, sequence: int, start: int) -> tuple[list[int], list[int]]:
    """For the tokens of one sequence from index `start`: the nodes that predict them, and the tokens."""
    path = trie.paths[sequence]
    targets = [int(trie.tokens[node]) for node in path[start:]]
    return path[start - 1 : -1], targets
