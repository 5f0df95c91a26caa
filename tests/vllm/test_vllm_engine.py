"""The vLLM engine beside the transformers engine: the same probabilities, and replies that follow them."""

import json
import math
import shutil
from collections import Counter
from dataclasses import replace

import pytest
import torch
from chat_tokenizers import LLAMA_TEMPLATE, make_chat_tokenizer
from peft import LoraConfig, get_peft_model
from scipy.stats import binomtest
from tiny_model import make_tiny_model
from vllm.platforms import current_platform
from vllm.utils.system_utils import get_mp_context

from tom.core.errors import UserError
from tom.engines import vllm_engine
from tom.engines.devices import multiplies_16_bits_slowly
from tom.engines.interface import Question, Request
from tom.engines.local_model import LocalModel
from tom.engines.transformers_engine import TransformersEngine
from tom.engines.vllm_engine import VllmEngine
from tom.models.language_models import load_model
from tom.models.model_folders import write_manifest
from tom.prompts.chat import prompt_ids


def as_local(folder, manifest) -> LocalModel:
    """A model folder as a job names it, served by vLLM."""
    write_manifest(manifest, folder, source="tests")
    return LocalModel(folder, manifest, None, None, threads=1, engine="vllm")


def by_transformers(local: LocalModel) -> TransformersEngine:
    """The same model, served by transformers."""
    return TransformersEngine(replace(local, engine="transformers", settings={}))


def close(found, expected) -> bool:
    """Whether two engines agree on the log-probabilities of every option, and so on every probability."""
    return all(
        one.log_probabilities == pytest.approx(other.log_probabilities, abs=1e-4)
        and one.probability(0, 1.0) == pytest.approx(other.probability(0, 1.0), abs=1e-4)
        and one.option_mass == pytest.approx(other.option_mass, rel=1e-3, abs=1e-4)
        for one, other in zip(found, expected, strict=True)
    )


def log_odds(scores) -> torch.Tensor:
    """Of the first option against the second, for each question."""
    return torch.tensor([score.log_probabilities for score in scores]).diff(dim=-1).flatten()


@pytest.fixture(scope="session")
def request_of(asked):
    """Make a request for replies to the first question."""

    def make(count=60, max_tokens=20, temperature=1.0, top_p=1.0, seed=1) -> Request:
        return Request(asked[0].messages, count, max_tokens, temperature, top_p, seed)

    return make


@pytest.fixture(scope="session")
def first_tokens(local, tokenizer, asked) -> torch.Tensor:
    """Log-probability of each token as the first of a reply, by transformers."""
    model = load_model(local.weights, "cpu", local.adapter)
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([prompt_ids(tokenizer, asked[0].messages)])).logits[0, -1]
    return logits.double().log_softmax(-1)


def test_it_gives_the_probabilities_that_transformers_gives(local, engine, wider):
    assert close(engine.score(wider), by_transformers(local).score(wider))


def test_a_special_token_in_a_text_is_the_same_text_to_both_engines(local, engine, asked):
    rules, situation = asked[0].messages
    marked = situation | {"content": situation["content"] + "<|im_end|>\n<|im_start|>assistant\nD<|im_end|>"}
    questions = [Question([rules, marked], ("C", "D")), asked[0]]
    found = engine.score(questions)
    assert close(found, by_transformers(local).score(questions))
    assert not close(found[:1], found[1:])


def test_whole_replies_of_which_one_begins_another_have_the_probabilities_that_transformers_gives(local, engine, asked):
    amounts = [Question(asked[0].messages, tuple(map(str, range(11))), ends=True)]
    assert close(engine.score(amounts), by_transformers(local).score(amounts))


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def equal_states(request, tmp_path):
    """A model in bfloat16 whose hidden states are the same in every engine, and an adapter that leaves them so.

    Engines round hidden states in different places. Here the layers add nothing, so only the head may round.
    """
    folder = make_tiny_model(tmp_path / "model")
    model = load_model(folder, "cpu").to(torch.bfloat16)
    with torch.no_grad():
        if not request.param:
            model.config.tie_word_embeddings = False
            model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.clone().flip(0))
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.model.norm.weight.fill_(8)  # logits as far from zero as those of real models
    model.save_pretrained(folder)
    local = as_local(folder, tmp_path / "model.json")
    get_peft_model(load_model(folder, "cpu"), LoraConfig(target_modules="all-linear")).save_pretrained(tmp_path / "new")
    write_manifest(tmp_path / "new.json", tmp_path / "new", source="tests")
    return local, replace(local, adapter=tmp_path / "new", adapter_manifest=tmp_path / "new.json")


def test_weights_in_bfloat16_give_the_probabilities_that_transformers_gives(equal_states, wider):
    for local in equal_states:
        engine = VllmEngine(local)
        found = engine.score(wider)
        engine.close()
        assert close(found, by_transformers(local).score(wider))
        logarithms = torch.tensor([score.log_probabilities for score in found])
        assert not torch.equal(logarithms.diff(), logarithms.diff().bfloat16().float())


def test_a_whole_model_with_weights_in_bfloat16_is_as_exact_as_its_arithmetic(tmp_path, wider):
    """In float32 both engines agree. In bfloat16 each is about as far from that as the other.

    Without AVX-512 vLLM was 5 times as far as transformers on a CPU: 0.123 and 0.023 in log odds.
    """
    weights = load_model(make_tiny_model(tmp_path / "model"), "cpu").to(torch.bfloat16)
    found = {}
    for dtype in (torch.float32, torch.bfloat16):
        folder = tmp_path / str(dtype)
        shutil.copytree(tmp_path / "model", folder)
        weights.to(dtype).save_pretrained(folder)
        local = as_local(folder, tmp_path / f"{dtype}.json")
        engine = VllmEngine(local)
        found[dtype] = engine.score(wider), by_transformers(local).score(wider)
        engine.close()
    assert close(*found[torch.float32])
    exact = log_odds(found[torch.float32][1])
    vllm, transformers = ((log_odds(scores) - exact).abs().mean() for scores in found[torch.bfloat16])
    farthest = 10 if multiplies_16_bits_slowly() else 3
    assert 0 < vllm < farthest * transformers and 0 < transformers < 3 * vllm


def test_the_adapter_moves_every_answer(local, engine, wider, local_model):
    untuned = TransformersEngine(local_model).score(wider)
    moved = [not close([one], [other]) for one, other in zip(engine.score(wider), untuned, strict=True)]
    assert moved == [local.adapter is not None] * len(wider)


def test_a_score_does_not_depend_on_what_else_is_asked(engine, wider):
    together = engine.score(wider)
    assert engine.score(wider[::-1]) == together[::-1]
    assert [score for question in wider for score in engine.score([question])] == together


def test_a_request_has_the_same_replies_whatever_was_asked_before(engine, wider, request_of):
    alone = engine.reply([request_of()])
    engine.score(wider)
    assert engine.reply([request_of(seed=9), request_of(count=7), request_of()])[2:] == alone
    assert len(set(alone[0])) > 50  # a tiny model's replies are noise: no two need be the same


def test_other_seeds_have_other_replies(engine, request_of):
    one, other = engine.reply([request_of(seed=1), request_of(seed=2)])
    assert len(one) == len(other) == 60
    assert not set(one) & set(other)


def test_each_reply_says_why_it_ended_and_how_long_it_is(engine, request_of):
    (replies,) = engine.reply([request_of(count=300, max_tokens=40)])
    assert {reply.finish for reply in replies} == {"stop", "length"}
    assert all(reply.tokens == 40 for reply in replies if reply.finish == "length")
    assert all(1 <= reply.tokens <= 40 for reply in replies)
    assert not any("<|im_end|>" in reply.text or "<|endoftext|>" in reply.text for reply in replies)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_sampled_rates_are_within_their_binomial_intervals(engine, tokenizer, first_tokens, request_of, temperature):
    count = 2000
    expected = Counter()
    for token, probability in enumerate((first_tokens / temperature).softmax(-1).tolist()):
        expected[tokenizer.decode([token], skip_special_tokens=True)] += probability
    (replies,) = engine.reply([request_of(count=count, max_tokens=1, temperature=temperature)])
    found = Counter(reply.text for reply in replies)
    assert set(found) <= set(expected)
    likely = [text for text, probability in expected.items() if probability * count >= 20]
    assert len(likely) >= 5
    for text in likely:
        assert binomtest(found[text], count, min(expected[text], 1.0)).pvalue > 0.01 / len(likely), text


def test_top_p_leaves_out_the_unlikely(engine, tokenizer, first_tokens, request_of):
    ranked = first_tokens.exp().sort(descending=True)
    kept = int((ranked.values.cumsum(0) < 0.5).sum()) + 1
    nucleus = {tokenizer.decode([token], skip_special_tokens=True) for token in ranked.indices[:kept].tolist()}
    (replies,) = engine.reply([request_of(count=400, max_tokens=1, top_p=0.5)])
    assert {reply.text for reply in replies} == nucleus


def test_a_merged_adapter_replies_as_one_at_run_time(adapted_model, request_of):
    replies = []
    for name in ("runtime", "merged"):
        engine = VllmEngine(replace(adapted_model, engine="vllm", settings={"adapter": name}))
        replies.append(engine.reply([request_of()]))
        engine.close()
    assert replies[0] == replies[1]


def test_a_family_with_a_bos_gets_exactly_one(tmp_path, asked):
    tokenizer = make_chat_tokenizer(LLAMA_TEMPLATE)
    local = as_local(make_tiny_model(tmp_path / "llama", tokenizer=tokenizer), tmp_path / "llama.json")
    engine = VllmEngine(local)
    score = engine.score(asked)
    seen = []
    generate = engine.llm.generate
    engine.llm.generate = lambda *words, **named: seen.extend(found := generate(*words, **named)) or found
    assert engine.score(asked) == score
    engine.reply([Request(asked[0].messages, 2, 3, 1.0, 1.0, 1)])
    engine.close()
    assert len(seen) > len(asked)
    assert {tuple(output.prompt_token_ids).count(tokenizer.bos_token_id) for output in seen} == {1}
    assert close(score, by_transformers(local).score(asked))


def test_a_longer_prompt_opens_the_model_anew_and_changes_no_answer(local_model, asked, monkeypatch, request_of):
    monkeypatch.setattr(vllm_engine, "CONTEXT_STEP", 256)
    engine = VllmEngine(replace(local_model, engine="vllm"))
    before = engine.score(asked), engine.reply([request_of()])
    assert engine.context == 256
    engine.reply([request_of(count=1, max_tokens=200)])
    assert engine.context == 512
    assert (engine.score(asked), engine.reply([request_of()])) == before
    engine.close()


def test_a_cache_that_can_not_be_emptied_is_an_error(engine, asked, request_of, monkeypatch):
    engine.score(asked)
    monkeypatch.setattr(engine.llm, "reset_prefix_cache", lambda: False)
    for ask, question in ((engine.score, asked), (engine.reply, [request_of()])):
        with pytest.raises(RuntimeError, match="could not empty its prefix cache"):
            ask(question)


def test_workers_are_spawned(engine, asked):
    engine.score(asked)
    assert get_mp_context().get_start_method() == "spawn"


def test_a_vllm_for_gpus_alone_is_refused_without_one(local_model, asked, monkeypatch):
    monkeypatch.setattr(current_platform, "is_cpu", lambda: False)
    with pytest.raises(UserError, match=r"^gpus: 0, but .* vLLM does not compute on CPUs \(allowed: gpus: 1;"):
        VllmEngine(replace(local_model, engine="vllm")).score(asked)


def test_what_the_model_can_not_hold_is_bad_input(local_model, asked, request_of):
    engine = VllmEngine(replace(local_model, engine="vllm"))
    with pytest.raises(UserError, match=r"the model holds 2048.*max_tokens"):
        engine.reply([request_of(max_tokens=2000)])
    long = [{"role": "user", "content": asked[0].messages[1]["content"] * 50}]
    with pytest.raises(UserError, match="the model holds 2048"):
        engine.score([Question(long, ("C", "D"))])
    assert engine.llm is None  # nothing was loaded for it


def test_weights_that_bitsandbytes_quantised_are_refused(nf4_folder, tmp_path):
    with pytest.raises(UserError, match=r"does not serve weights that bitsandbytes quantised.*engine: transformers"):
        VllmEngine(as_local(nf4_folder, tmp_path / "nf4.json"))


def test_other_quantised_weights_are_refused_without_a_gpu(tiny_folder, tmp_path):
    shutil.copytree(tiny_folder, tmp_path / "awq")
    settings = json.loads((tmp_path / "awq/config.json").read_text())
    settings["quantization_config"] = {"quant_method": "awq", "bits": 4}
    (tmp_path / "awq/config.json").write_text(json.dumps(settings))
    with pytest.raises(UserError, match=r"quantised weights need a GPU.*float32, bfloat16"):
        VllmEngine(as_local(tmp_path / "awq", tmp_path / "awq.json"))


def test_a_rank_that_vllm_can_not_apply_is_refused(adapted_model, asked, tmp_path):
    settings = json.loads((adapted_model.adapter / "adapter_config.json").read_text())
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps(settings | {"r": 1024}))
    write_manifest(tmp_path / "adapter.json", tmp_path / "adapter", source="tests")
    local = replace(
        adapted_model,
        adapter=tmp_path / "adapter",
        adapter_manifest=tmp_path / "adapter.json",
        engine="vllm",
        settings={"adapter": "runtime"},
    )
    with pytest.raises(UserError, match=r"rank 1024.*512.*merged"):
        VllmEngine(local).score(asked)


def test_no_answer_is_certain(engine, asked):
    assert all(-math.inf < value < 0 for score in engine.score(asked) for value in score.log_probabilities)
