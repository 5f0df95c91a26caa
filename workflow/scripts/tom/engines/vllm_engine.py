"""The `vllm` engine: exact option scores and free replies from vLLM (Kwon et al., arXiv 2309.06180).

Prompts are token ids (tom/prompts/chat.py), so vLLM adds no second BOS. Each prompt is answered by itself, from an
empty prefix cache: what else is asked, and in which order, changes no answer. The replies to one prompt share its
prefill.
"""

import math
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from platform import node
from typing import TYPE_CHECKING

from tom.core.errors import UserError
from tom.engines.devices import torch_device
from tom.engines.interface import ChoiceScore, Question, Reply, Request
from tom.engines.local_model import LocalModel

if TYPE_CHECKING:
    from tom.prompts.prompts import Messages

CONTEXT_STEP = 2048  # tokens; the model is reopened only for prompts much longer than all before


@dataclass(frozen=True)
class Settings:
    """How vLLM serves a model: the section `vllm` of its config."""

    adapter: str = field(
        default="runtime",
        metadata={
            "enum": ["runtime", "merged"],
            "description": "runtime (default): beside the weights; merged: into a copy of them.",
        },
    )
    tensor_parallel: int = field(
        default=1, metadata={"minimum": 1, "description": "GPUs that share one model: as many as gpus. 1 if not given."}
    )
    memory_share: float = field(
        default=0.9,
        metadata={
            "exclusiveMinimum": 0,
            "maximum": 1,
            "description": "Of each GPU's memory, for weights and key-value cache; 0.9 if not given.",
        },
    )
    eager: bool = field(
        default=False,
        metadata={"description": "No compilation and no CUDA graphs; false if not given, on a CPU always true."},
    )


def check(settings: Settings, model_config: dict, where: str) -> None:
    """Raise UserError if vLLM can't serve the model, or would leave some of its GPUs idle.

    Whether vLLM is installed is asked where the model is loaded.
    """
    gpus = model_config["gpus"]
    if model_config["precision"] == "nf4":
        raise UserError(
            f"{where}.precision: vLLM does not serve nf4"
            " (allowed: float32, bfloat16, source; or nf4 with engine: transformers)"
        )
    if settings.tensor_parallel != max(1, gpus):
        role = where.rpartition(" ")[2]
        raise UserError(
            f"{where}.vllm.tensor_parallel: {settings.tensor_parallel}, but {role}.gpus is {gpus}"
            " (allowed: as many as gpus)"
        )
    # Weights that are not on this machine yet are looked at by the job that loads them.
    if model_config.get("source") == "folder":
        from tom.engines.vllm_loading import read_model_config

        try:
            read_model_config(Path(model_config["folder"]), gpus)
        except UserError as error:
            raise UserError(f"{where}.folder: {error}") from None


def require_vllm() -> None:
    """Raise UserError unless vLLM is installed: a login node that submits the jobs need not have it."""
    if find_spec("vllm") is None:
        raise UserError(
            f"engine 'vllm': vLLM is not installed on {node()} (pip install -r envs/requirements-gpu.txt on a machine"
            " with a GPU, envs/requirements-vllm.txt without one; allowed without it: transformers)"
        )


def open_engine(model: LocalModel) -> "VllmEngine":
    """The model in this process, its files checked. Errors: UserError."""
    return VllmEngine(model)


class VllmEngine:
    """A local model served by vLLM; opened at the first call, whose prompts say how long a context it needs."""

    def __init__(self, local: LocalModel):
        """Check the model's files, and that vLLM can serve them here. Errors: UserError."""
        require_vllm()
        torch_device(local.gpus)
        local.check()

        from tom.engines.vllm_loading import read_model_config
        from tom.models.language_models import load_tokenizer

        self.local = local
        self.config = read_model_config(local.weights, local.gpus)
        self.tokenizer = load_tokenizer(local.weights, local.template)
        self.llm = None
        self.context = 0

    def score(self, questions: list[Question]) -> list[ChoiceScore]:
        """Exact log-probability of each option as the reply, and their joint mass."""
        from tom.prompts.chat import option_ids, prompt_ids

        asked = []
        for question in questions:
            prompt = prompt_ids(self.tokenizer, question.messages)
            asked.append((prompt, option_ids(self.tokenizer, question.messages, question.options, question.ends)))
        self._make_room([len(prompt) + len(option) for prompt, options in asked for option in options])
        return [self._score(prompt, options) for prompt, options in asked]

    def tokens_sha256(self, messages: "Messages") -> str:
        """Hash of the tokens that the model sees as this prompt."""
        from tom.prompts.chat import tokens_sha256

        return tokens_sha256(self.tokenizer, messages)

    def reply(self, requests: list[Request]) -> list[list[Reply]]:
        """Each request's free replies, in order."""
        from tom.prompts.chat import prompt_ids

        asked = [(prompt_ids(self.tokenizer, request.messages), request) for request in requests]
        self._make_room([len(prompt) + request.max_tokens for prompt, request in asked])
        return [self._reply(prompt, request) for prompt, request in asked]

    def close(self) -> None:
        """Free the model's memory; the next call reopens it."""
        if self.llm is not None:
            from tom.engines.vllm_loading import close_llm

            llm, self.llm, self.context = self.llm, None, 0
            close_llm(llm)

    def _make_room(self, lengths: list[int]) -> None:
        """Open the model for sequences of these lengths, in tokens. Errors: UserError if its context is too short."""
        needed = max(lengths, default=0)
        limit = self.config.get("max_position_embeddings", needed)
        if needed > limit:
            raise UserError(
                f"{self.local.weights}: a prompt and its reply may take {needed} tokens, the model holds {limit};"
                " lower the prompt_format's max_tokens"
            )
        if needed > self.context:
            from tom.engines.vllm_loading import open_llm

            self.close()
            context = min(limit, math.ceil(needed / CONTEXT_STEP) * CONTEXT_STEP)
            self.llm = open_llm(self.local, self.config, context)
            self.context = context

    def _score(self, prompt: tuple[int, ...], options: list[tuple[int, ...]]) -> ChoiceScore:
        """One prompt for each prefix of an option, the empty one included: how likely is each token after it?"""
        from vllm import SamplingParams

        following: dict[tuple[int, ...], set[int]] = {}
        for option in options:
            for place, token in enumerate(option):
                following.setdefault(option[:place], set()).add(token)
        outputs = self._generate(
            [prompt + beginning for beginning in following],
            [
                SamplingParams(temperature=0, max_tokens=1, logprob_token_ids=sorted(tokens), detokenize=False)
                for tokens in following.values()
            ],
        )
        found = {beginning: output.outputs[0].logprobs[0] for beginning, output in zip(following, outputs, strict=True)}
        logarithms = tuple(
            sum(found[option[:place]][token].logprob for place, token in enumerate(option)) for option in options
        )
        return ChoiceScore(logarithms, sum(map(math.exp, logarithms)))

    def _reply(self, prompt: tuple[int, ...], request: Request) -> list[Reply]:
        from vllm import SamplingParams

        from tom.core.random import cell_generator
        from tom.prompts.templates import template_of

        parameters = SamplingParams(
            n=request.count,
            temperature=request.temperature,
            top_p=request.top_p,
            max_tokens=request.max_tokens,
            # vLLM gives the i-th reply seed + i: requests with neighbouring seeds would share draws.
            seed=int(cell_generator(request.seed, "vllm").integers(2**62)),
            stop_token_ids=sorted(template_of(self.tokenizer).ends),
            detokenize=False,
        )
        (output,) = self._generate([prompt], [parameters])
        return [
            Reply(
                self.tokenizer.decode(list(completion.token_ids), skip_special_tokens=True),
                completion.finish_reason,
                len(completion.token_ids),
            )
            for completion in sorted(output.outputs, key=lambda completion: completion.index)
        ]

    def _generate(self, prompts: list[tuple[int, ...]], parameters: list) -> list:
        """vLLM's outputs, in order."""
        from vllm.lora.request import LoRARequest

        from tom.engines.vllm_loading import applied_at_run_time

        # A prefill with a cached beginning has another shape, and with it other last bits.
        if not self.llm.reset_prefix_cache():
            raise RuntimeError("vLLM could not empty its prefix cache: an answer would depend on what was asked before")
        return self.llm.generate(
            [{"prompt_token_ids": list(prompt)} for prompt in prompts],
            parameters,
            lora_request=LoRARequest("adapter", 1, str(self.local.adapter))
            if applied_at_run_time(self.local)
            else None,
            use_tqdm=False,
        )
