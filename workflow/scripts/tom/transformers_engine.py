"""The `transformers` engine: exact option scores from one forward pass of a local model."""

import math

from tom.choices import ChoiceScore, Question
from tom.local_model import LocalModel
from tom.replies import Reply, Request


class TransformersEngine:
    """A loaded model that scores questions; the questions of one call are packed into one pass."""

    def __init__(self, local: LocalModel):
        """Check the model's files against their manifests and load them. Errors: BadInput."""
        local.check()

        import torch

        from tom.language_models import load_model, load_tokenizer, pick_device

        # The number of threads changes the last bits of a sum, so it is part of what is asked for.
        torch.set_num_threads(local.threads)
        self.tokenizer = load_tokenizer(local.weights)
        self.model = load_model(local.weights, pick_device(), local.adapter)

    def score(self, questions: list[Question]) -> list[ChoiceScore]:
        """Exact log-probability of each option as the reply, and their joint mass."""
        import torch

        from tom.chat import option_ids, prompt_ids
        from tom.trie import logits_at, pack, predictions

        sequences, starts = [], []
        for question in questions:
            prompt = prompt_ids(self.tokenizer, question.messages)
            for option in option_ids(self.tokenizer, question.messages, question.options):
                sequences.append(prompt + option)
                starts.append(len(prompt))
        trie = pack(sequences)
        places = [predictions(trie, index, start) for index, start in enumerate(starts)]
        nodes = sorted({node for path, _ in places for node in path})
        with torch.inference_mode():
            log_probabilities = logits_at(self.model, trie, nodes).double().log_softmax(-1)
        row = {node: index for index, node in enumerate(nodes)}
        sums = [
            sum(log_probabilities[row[node], target].item() for node, target in zip(path, targets, strict=True))
            for path, targets in places
        ]
        pairs = list(zip(sums[::2], sums[1::2], strict=True))
        return [ChoiceScore(pair, sum(map(math.exp, pair))) for pair in pairs]

    def reply(self, requests: list[Request]) -> list[list[Reply]]:
        """Each request's free replies; a request's do not depend on what else is asked."""
        from tom.generation import generate

        return [generate(self.model, self.tokenizer, request) for request in requests]
