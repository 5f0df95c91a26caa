"""Free replies of a local model: one prefill of the prompt, replies sampled in batches.

Only the request decides how replies are sampled. transformers' `generate` takes every setting that a call leaves open
from the model folder's generation_config.json (repetition_penalty, min_p, suppressed tokens and the like), so that file
is ignored during sampling, except for the end tokens that it lists.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

from tom.core.errors import UserError
from tom.core.random import share_out
from tom.engines.interface import REPLIES_PER_BATCH, Reply, Request
from tom.prompts.chat import prompt_ids


def generate(model, tokenizer, request: Request, most: int = REPLIES_PER_BATCH) -> list[Reply]:
    """The replies of one request, sampled with its own seed; torch's global generator is left as it was.

    model, tokenizer: as tom/models/language_models.py loads them, with or without an adapter. most: replies in a batch.
    A seed gives other replies with another number, since a batch draws its tokens together.
    Errors: UserError if neither the tokenizer nor the model names an end token.
    """
    import torch
    from transformers import GenerationConfig

    # An adapter's layers sit in the model that PEFT wraps; the wrapper's `generate` has settings of its own.
    model = model.get_base_model() if hasattr(model, "get_base_model") else model
    ends = end_tokens(model, tokenizer)
    settings = GenerationConfig(
        do_sample=True,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=0,
        max_new_tokens=request.max_tokens,
        eos_token_id=ends,
        pad_token_id=ends[0],
    )
    prompt = torch.tensor([prompt_ids(tokenizer, request.messages)], device=model.device)
    replies = []
    with torch.random.fork_rng([prompt.device] if prompt.is_cuda else []), _folder_settings_aside(model):
        torch.manual_seed(request.seed)
        with torch.inference_mode():
            prefilled = model(prompt[:, :-1], use_cache=True, logits_to_keep=1).past_key_values
            for rows in share_out(request.count, -(-request.count // most)):
                cache = deepcopy(prefilled)
                cache.batch_repeat_interleave(rows)
                inputs = prompt.expand(rows, -1)
                sampled = model.generate(
                    inputs, attention_mask=torch.ones_like(inputs), past_key_values=cache, generation_config=settings
                )
                replies += [_reply(tokenizer, row, ends) for row in sampled[:, prompt.shape[1] :].tolist()]
    return replies


def end_tokens(model, tokenizer) -> list[int]:
    """Ids of the tokens that end a reply: the tokenizer's, and those of the model folder's generation_config.json."""
    listed = model.generation_config.eos_token_id
    listed = listed if isinstance(listed, list) else [listed]
    ends = sorted({token for token in [tokenizer.eos_token_id, *listed] if token is not None})
    if not ends:
        raise UserError(f"{tokenizer.name_or_path}: its tokenizer and its generation_config.json name no end token")
    return ends


@contextmanager
def _folder_settings_aside(model) -> Iterator[None]:
    from transformers import GenerationConfig

    kept, model.generation_config = model.generation_config, GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = kept


def _reply(tokenizer, ids: list[int], ends: list[int]) -> Reply:
    """ids: one row as sampled, padded after its end token."""
    stop = next((place for place, token in enumerate(ids) if token in ends), None)
    kept = ids if stop is None else ids[: stop + 1]
    text = tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return Reply(text, "length" if stop is None else "stop", len(kept))
