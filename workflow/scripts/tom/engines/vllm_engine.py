"""The `vllm` engine: exact option scores and free replies from vLLM (Kwon et al., arXiv 2309.06180).

A prompt is given as token ids (tom/prompts/chat.py), so vLLM adds no second BOS. Each prompt is answered by itself, from
an empty prefix cache: what else is asked, and in which order, changes no answer. The replies to one prompt share
its prefill.
"""

import math

from tom.core.errors import UserError
from tom.core.random import cell_generator
from tom.engines.interface import ChoiceScore, Question, Reply, Request
from tom.engines.vllm_settings import require_vllm
from tom.models.local_model import LocalModel

CONTEXT_STEP = 2048  # tokens; a model is opened anew only for a prompt that is much longer than those before


class VllmEngine:
    """A local model served by vLLM; opened by the first call, whose prompts say how long a context it needs."""

    def __init__(self, local: LocalModel):
        """Check the model's files, and that vLLM can serve them here. Errors: UserError."""
        require_vllm("--engine vllm")
        local.check()

        from tom.engines.vllm_loading import read_model_config
        from tom.models.language_models import load_tokenizer

        self.local = local
        self.config = read_model_config(local.weights)
        self.tokenizer = load_tokenizer(local.weights)
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

    def reply(self, requests: list[Request]) -> list[list[Reply]]:
        """Each request's free replies, in order."""
        from tom.prompts.chat import prompt_ids

        asked = [(prompt_ids(self.tokenizer, request.messages), request) for request in requests]
        self._make_room([len(prompt) + request.max_tokens for prompt, request in asked])
        return [self._reply(prompt, request) for prompt, request in asked]

    def close(self) -> None:
        """Give back the model's memory; the next call opens it again."""
        if self.llm is not None:
            from tom.engines.vllm_loading import close_llm

            llm, self.llm, self.context = self.llm, None, 0
            close_llm(llm)

    def _make_room(self, lengths: list[int]) -> None:
        """Open the model for sequences of these lengths, unless it is. Errors: UserError if it can't hold them."""
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
        """Ask once for each beginning of an option, the empty one included: how likely is each token after it?"""
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

        parameters = SamplingParams(
            n=request.count,
            temperature=request.temperature,
            top_p=request.top_p,
            max_tokens=request.max_tokens,
            # vLLM gives the i-th reply seed + i, so that requests of neighbouring seeds would share their draws.
            seed=int(cell_generator(request.seed, "vllm").integers(2**62)),
            stop_token_ids=[self.tokenizer.eos_token_id],
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

        # A prefill whose beginning is cached has another shape, and with it other last bits.
        self.llm.reset_prefix_cache()
        return self.llm.generate(
            [{"prompt_token_ids": list(prompt)} for prompt in prompts],
            parameters,
            lora_request=LoRARequest("adapter", 1, str(self.local.adapter))
            if applied_at_run_time(self.local)
            else None,
            use_tqdm=False,
        )
