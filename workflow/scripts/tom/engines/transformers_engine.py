"""The `transformers` engine: exact option scores from a local model.

A prompt's opening, the rules, is the same in every context. It is computed in a pass of its own, whose key-value cache
is kept for the next cells of the game. A single cell is computed in the same two passes: the last bits of a sum depend
on how the passes are split, and a shard's bytes must not depend on what the engine was asked before.
"""

import math
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from tom.core.errors import UserError
from tom.engines.devices import torch_device
from tom.engines.interface import REPLIES_PER_BATCH, ChoiceScore, Question, Reply, Request
from tom.engines.local_model import LocalModel
from tom.models.model_folders import read_manifest, verify

if TYPE_CHECKING:
    from tom.prompts.prompts import Messages

CHANGES_ADAPTERS = True

REMEMBERED_OPENINGS = 8  # games in a row, each in all its variants


@dataclass(frozen=True)
class Settings:
    """The engine's section of the config."""

    replies_per_batch: int = field(
        default=REPLIES_PER_BATCH,
        metadata={
            "minimum": 1,
            "description": f"Free replies that are sampled together; {REPLIES_PER_BATCH} if not given. More are faster"
            " on a GPU with memory for their keys and values, half a MB for each token of Llama-2-7b. Another number"
            " gives other replies.",
        },
    )


def check(settings: Settings, model_config: dict, where: str) -> None:
    """Raise UserError if the model is to be spread over several GPUs."""
    if model_config["gpus"] > 1:
        raise UserError(
            f"{where}.gpus: {model_config['gpus']}, but the engine transformers uses one GPU"
            " (allowed: 0, 1; or engine: vllm with vllm.tensor_parallel)"
        )


def open_engine(model: LocalModel) -> "TransformersEngine":
    """The model in this process, its files checked. Errors: UserError."""
    return TransformersEngine(model)


class TransformersEngine:
    """A loaded model that scores questions; the questions of one call are packed into one pass."""

    def __init__(self, local: LocalModel):
        """Check the model's files against their manifests and load them. Errors: UserError."""
        device = torch_device(local.gpus)
        local.check()

        import torch

        from tom.models.language_models import load_model, load_tokenizer

        # The number of threads changes the last bits of a sum.
        torch.set_num_threads(local.threads)
        self.tokenizer = load_tokenizer(local.weights, local.template)
        self.model = load_model(local.weights, device, local.adapter)
        self.adapter = local.adapter
        self.adapter_sha256 = local.adapter_sha256
        self.weights = local.weights
        self.replies_per_batch = local.engine_settings.replies_per_batch
        self._attend = lru_cache(REMEMBERED_OPENINGS)(self._attend)

    def use_adapter(self, local: LocalModel) -> None:
        """Answer from now on as `local`, which differs at most in its adapter. Errors: UserError."""
        if local.adapter_sha256 == self.adapter_sha256:
            return
        if local.adapter:
            verify(local.adapter, read_manifest(local.adapter_manifest))

        from tom.models.language_models import change_adapter

        # What the openings were computed with.
        self._attend.cache_clear()
        self.model = change_adapter(self.model, self.adapter, local.adapter)
        self.adapter, self.adapter_sha256 = local.adapter, local.adapter_sha256

    def _attend(self, openings: tuple[tuple[int, ...], ...]):
        """The key-value cache of some openings, packed; None if they are all empty."""
        from tom.models.packed_sequences import attend, pack

        trie = pack([opening for opening in openings if opening])
        return attend(self.model, trie, len(trie.tokens)) if trie.paths else None

    def score(self, questions: list[Question]) -> list[ChoiceScore]:
        """Exact log-probability of each option as the reply, and their joint mass."""
        import torch

        from tom.models.model_checks import check_room
        from tom.models.packed_sequences import logits_at, pack, predictions
        from tom.prompts.chat import opening_ids, option_ids, prompt_ids

        openings = tuple(dict.fromkeys(opening_ids(self.tokenizer, question.messages) for question in questions))
        sequences, starts = [], []
        for question in questions:
            prompt = prompt_ids(self.tokenizer, question.messages)
            for option in option_ids(self.tokenizer, question.messages, question.options, question.ends):
                sequences.append(prompt + option)
                starts.append(len(prompt))
        check_room(self.weights, list(map(len, sequences)))
        # The openings' nodes come first, so that a cache of them is a cache of the trie's beginning.
        trie = pack([*openings, *sequences])
        places = [predictions(trie, len(openings) + index, start) for index, start in enumerate(starts)]
        nodes = sorted({node for path, _ in places for node in path})
        with torch.inference_mode():
            logits = logits_at(self.model, trie, nodes, self._attend(openings))
        log_probabilities = logits.double().log_softmax(-1)
        row = {node: index for index, node in enumerate(nodes)}
        sums = iter(
            sum(log_probabilities[row[node], target].item() for node, target in zip(path, targets, strict=True))
            for path, targets in places
        )
        scores = [tuple(islice(sums, len(question.options))) for question in questions]
        return [ChoiceScore(logarithms, sum(map(math.exp, logarithms))) for logarithms in scores]

    def tokens_sha256(self, messages: "Messages") -> str:
        """Hash of the tokens that the model sees as this prompt."""
        from tom.prompts.chat import tokens_sha256

        return tokens_sha256(self.tokenizer, messages)

    def reply(self, requests: list[Request]) -> list[list[Reply]]:
        """Each request's free replies, in order."""
        from tom.engines.generation import generate
        from tom.models.model_checks import check_room
        from tom.prompts.chat import prompt_ids

        lengths = [len(prompt_ids(self.tokenizer, request.messages)) + request.max_tokens for request in requests]
        check_room(self.weights, lengths, packed=False)
        return [generate(self.model, self.tokenizer, request, self.replies_per_batch) for request in requests]
