"""Training a small Llama from scratch on weighted replies."""

import math
import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
from tiny_lessons import TinyLesson, TinyRole
from transformers import LlamaConfig, LlamaForCausalLM, get_cosine_schedule_with_warmup

from tom.models.packed_sequences import pack, predictions
from tom.prompts.chat import exchange
from tom.training.objective import Batch, Pack, add_gradient

ALL_TOKENS = 0.3
"""Weight of the mean loss over all tokens, prompt included, beside that over the reply's (1)."""
FIRST_TOKEN = 10
"""Weight of a reply's first token, most often its letter, beside that of each later one."""


@dataclass(frozen=True)
class TinyRecipe:
    """How one of the pair is trained. prompts: how many make a step."""

    learning_rate: float = 3e-3
    warmup: float = 0.05
    prompts: int = 4
    weight_decay: float = 0.01
    clip: float = 1.0


def new_model(role: TinyRole, tokenizer, seed: int) -> LlamaForCausalLM:
    """A Llama with random weights, float32. Its sides are multiples of 64, the block that NF4 quantises at once."""
    config = LlamaConfig(
        # Rounded up, as large models do: the last ids stand for no token.
        vocab_size=64 * math.ceil(len(tokenizer) / 64),
        hidden_size=128,
        intermediate_size=role.intermediate,
        num_hidden_layers=role.layers,
        # Heads of 64: a width that vLLM's attention knows on CPU and GPU.
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=tokenizer.model_max_length,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype="float32",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def pack_example(tokenizer, example: TinyLesson) -> Batch:
    """A prompt and its replies in one row, weighted as ALL_TOKENS says for an average example of the prompt."""
    rows = [exchange(tokenizer, example.messages, reply) for reply, _ in example.replies]
    trie = pack([row.prompt + row.reply for row in rows])
    start = len(rows[0].prompt)
    length = sum(len(row.reply) * weight for row, (_, weight) in zip(rows, example.replies, strict=True))
    everywhere, in_reply = ALL_TOKENS / (start - 1 + length), 1 / (length - 1 + FIRST_TOKEN)
    counted: dict[tuple[int, int], float] = {}
    for index, (_, weight) in enumerate(example.replies):
        for position, place in enumerate(zip(*predictions(trie, index, 1), strict=True), start=1):
            emphasis = 0 if position < start else FIRST_TOKEN if position == start else 1
            counted[place] = counted.get(place, 0.0) + weight * (everywhere + in_reply * emphasis)
    nodes, targets = map(list, zip(*counted, strict=True))
    whole = Pack(trie, nodes, torch.tensor(targets), torch.tensor(list(counted.values())), stem=[])
    return Batch(example.form, None, [whole])


def train(model, batches: list[Batch], epochs: int, recipe: TinyRecipe, seed: int) -> list[float]:
    """Train every weight in place; returns each pass's mean loss in nats a token."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.95), weight_decay=recipe.weight_decay
    )
    steps = epochs * math.ceil(len(batches) / recipe.prompts)
    schedule = get_cosine_schedule_with_warmup(optimizer, math.ceil(recipe.warmup * steps), steps)
    means = []
    model.train()
    for number in range(epochs):
        started, losses = time.monotonic(), []
        order = np.random.default_rng([seed, number]).permutation(len(batches))
        for start in range(0, len(order), recipe.prompts):
            chosen = order[start : start + recipe.prompts]
            losses += [add_gradient(model, batches[index]) for index in chosen]
            for parameter in model.parameters():
                parameter.grad /= len(chosen)
            torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
        means.append(sum(losses) / len(losses))
        seconds = time.monotonic() - started
        print(f"pass {number + 1}/{epochs}: loss {means[-1]:.4f}, {seconds:.1f} s", file=sys.stderr, flush=True)
    model.eval()
    return means
