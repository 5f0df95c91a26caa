"""Free replies of a local model: drawn from its own probabilities, alike for the same request, ended in their place."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from transformers import GenerationConfig

from tom.core.errors import UserError
from tom.engines.generation import end_tokens, generate
from tom.engines.interface import Reply, Request
from tom.models.language_models import load_model, load_tokenizer
from tom.prompts.chat import prompt_ids

MESSAGES = [{"role": "system", "content": "Two players."}, {"role": "user", "content": "Which do you choose, C or D?"}]
REQUEST = Request(MESSAGES, count=5, max_tokens=12, temperature=1.0, top_p=1.0, seed=7)


@pytest.fixture
def model(tiny_folder):
    """A model of this test's own, which it may change."""
    return load_model(tiny_folder, "cpu")


def boost(model, token: int, logit: float) -> None:
    """Add to a token's logit."""

    def hook(module, inputs, logits):
        logits[..., token] += logit

    model.lm_head.register_forward_hook(hook)


def next_token_probabilities(model, tokenizer, messages, temperature: float, top_p: float) -> dict[str, float]:
    """Text of the first token → its probability; tokens that read alike, such as halves of a character, are one."""
    with torch.inference_mode():
        logits = model(torch.tensor([prompt_ids(tokenizer, messages)])).logits[0, -1].double().numpy()
    powers = np.exp((logits - logits.max()) / temperature)
    probabilities = powers / powers.sum()
    ordered = np.argsort(-probabilities)
    before = np.cumsum(probabilities[ordered]) - probabilities[ordered]
    nucleus = ordered[before < top_p]
    total, texts = probabilities[nucleus].sum(), Counter()
    for token in nucleus:
        texts[tokenizer.decode([token], skip_special_tokens=True)] += probabilities[token] / total
    return dict(texts)


@pytest.mark.parametrize(
    ("temperature", "top_p"), [(1.0, 1.0), (0.5, 1.0), (2.0, 1.0), (1.0, 0.6), (1.0, 0.01), (1.5, 0.8)]
)
def test_first_tokens_come_as_often_as_the_model_says(model, tokenizer, temperature, top_p):
    request = replace(REQUEST, count=2000, max_tokens=1, temperature=temperature, top_p=top_p)
    expected = next_token_probabilities(model, tokenizer, MESSAGES, temperature, top_p)
    found = Counter(reply.text for reply in generate(model, tokenizer, request))
    assert set(found) <= set(expected)
    for text, probability in expected.items():
        # 1e-5: hundreds of tokens are looked at.
        assert binomtest(found[text], request.count, min(probability, 1.0)).pvalue > 1e-5, repr(text)


def test_the_settings_tried_above_differ(model, tokenizer):
    likeliest = {
        max(next_token_probabilities(model, tokenizer, MESSAGES, *setting).values())
        for setting in [(1.0, 1.0), (0.5, 1.0), (2.0, 1.0), (1.0, 0.6), (1.0, 0.01), (1.5, 0.8)]
    }
    assert len(likeliest) == 6


@pytest.mark.parametrize("name", ["local_model", "adapted_model"])
def test_each_token_is_drawn_from_the_logits_of_its_reply_run_alone(request, tokenizer, name):
    local = request.getfixturevalue(name)
    model = load_model(local.weights, "cpu", local.adapter)
    steps = []
    inner = model.get_base_model() if local.adapter else model
    hook = inner.register_forward_hook(
        lambda module, inputs, named, output: steps.append(
            ((inputs or (named["input_ids"],))[0].clone(), output.logits[:, -1].clone())
        ),
        with_kwargs=True,
    )
    replies = generate(model, tokenizer, REQUEST, most=3)
    hook.remove()
    prompt = prompt_ids(tokenizer, MESSAGES)
    assert [tokens.shape for tokens, _ in steps].count((1, len(prompt) - 1)) == 1  # the prompt was computed once
    batches = {rows: [step for step in steps if step[0].shape == (rows, 1)] for rows in (3, 2)}
    texts = []
    for found in batches.values():
        sequences = torch.cat([tokens for tokens, _ in found], 1)[:, 1:]
        for row, sequence in enumerate(sequences.tolist()):
            with torch.inference_mode():
                alone = model(torch.tensor([[*prompt, *sequence]])).logits[0, len(prompt) - 1 :]
            cached = torch.stack([logits[row] for _, logits in found])
            assert torch.allclose(cached.log_softmax(-1), alone.log_softmax(-1), atol=1e-4)
            texts.append(tokenizer.decode(sequence, skip_special_tokens=True))
    assert all(reply.text.startswith(text) for reply, text in zip(replies, texts, strict=True))


def test_the_same_request_gives_the_same_replies_whatever_ran_before(model, tokenizer):
    first = generate(model, tokenizer, REQUEST)
    generate(model, tokenizer, replace(REQUEST, seed=8, count=70))
    torch.rand(3)
    assert generate(model, tokenizer, REQUEST) == first
    assert generate(model, tokenizer, replace(REQUEST, seed=8)) != first


def test_replies_of_one_request_differ(model, tokenizer):
    assert len({reply.text for reply in generate(model, tokenizer, replace(REQUEST, count=70))}) > 60


def test_the_global_generator_stays_as_it_was(model, tokenizer):
    before = torch.get_rng_state()
    generate(model, tokenizer, REQUEST)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("count", [1, 3, 4, 7])
def test_there_are_as_many_replies_as_were_asked_for(model, tokenizer, count):
    assert len(generate(model, tokenizer, replace(REQUEST, count=count), most=3)) == count


def test_no_batch_has_more_rows_than_are_allowed(model, tokenizer):
    rows = []
    model.register_forward_hook(lambda module, inputs, output: rows.append(len(output.logits)))
    generate(model, tokenizer, replace(REQUEST, count=7), most=3)
    assert set(rows) == {1, 2, 3}


def test_the_settings_of_the_model_folder_do_not_leak_in(model, tokenizer):
    expected = generate(model, tokenizer, REQUEST)
    ends = model.generation_config.eos_token_id
    folders_own = GenerationConfig(
        do_sample=True,
        temperature=0.1,
        top_p=0.1,
        top_k=1,
        min_p=0.9,
        typical_p=0.2,
        repetition_penalty=5.0,
        no_repeat_ngram_size=1,
        max_length=3,
        eos_token_id=ends,
    )
    model.generation_config = folders_own
    assert generate(model, tokenizer, REQUEST) == expected
    assert model.generation_config is folders_own


def test_a_reply_ends_at_its_end_token(model, tokenizer):
    boost(model, tokenizer.eos_token_id, 100.0)
    assert generate(model, tokenizer, REQUEST) == [Reply("", "stop", 1)] * REQUEST.count


def test_a_reply_without_an_end_token_is_cut_at_its_length(model, tokenizer):
    boost(model, tokenizer.eos_token_id, -100.0)
    replies = generate(model, tokenizer, REQUEST)
    assert {(reply.finish, reply.tokens) for reply in replies} == {("length", REQUEST.max_tokens)}


def test_replies_of_different_lengths_end_apart(model, tokenizer):
    boost(model, tokenizer.eos_token_id, 5.0)
    request = replace(REQUEST, count=400, max_tokens=6)
    replies = generate(model, tokenizer, request)
    assert {reply.tokens for reply in replies if reply.finish == "stop"} == {1, 2, 3, 4, 5, 6}
    assert {reply.tokens for reply in replies if reply.finish == "length"} == {6}
    assert not any(tokenizer.eos_token in reply.text or tokenizer.pad_token in reply.text for reply in replies)
    with torch.inference_mode():
        logits = model(torch.tensor([prompt_ids(tokenizer, MESSAGES)])).logits[0, -1]
    ends_at_once = sum(reply.tokens == 1 for reply in replies)
    probability = logits.softmax(-1)[tokenizer.eos_token_id].item()
    assert binomtest(ends_at_once, request.count, probability).pvalue > 1e-3


def test_end_tokens_are_the_tokenizers_and_those_of_the_model_folder(model, tokenizer):
    letter = tokenizer.convert_tokens_to_ids("C")
    model.generation_config.eos_token_id = [letter, tokenizer.pad_token_id]
    assert end_tokens(model, tokenizer) == sorted({letter, tokenizer.pad_token_id, tokenizer.eos_token_id})
    boost(model, letter, 100.0)
    assert generate(model, tokenizer, REQUEST) == [Reply("C", "stop", 1)] * REQUEST.count


def test_a_model_without_an_end_token_is_bad_input(model, tiny_folder):
    tokenizer = load_tokenizer(tiny_folder)
    tokenizer.eos_token = None
    model.generation_config.eos_token_id = None
    with pytest.raises(UserError, match="end token"):
        generate(model, tokenizer, REQUEST)
