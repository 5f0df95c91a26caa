"""The endpoint engine against vLLM's own OpenAI server and a tiny model, beside transformers' exact figures."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from endpoint_job import Job, endpoint_at
from tiny_model import VOCABULARY

from tom.engines.chat_completions import EndpointEngine
from tom.engines.endpoint import Endpoint
from tom.engines.interface import Request
from tom.engines.response_log import open_response_log
from tom.prompts.chat import prompt_ids
from tom.statistics.intervals import jeffreys

OBSERVATIONS = 60
SETTINGS = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
}


class Server:
    """vLLM's OpenAI server as a process that can be killed and started again at its port."""

    def __init__(self, model: Path, log: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self.log = log
        flags = ["--host", "127.0.0.1", "--port", self.port, "--model", model, "--served-model-name", "tiny"]
        flags += ["--dtype", "float32", "--enforce-eager", "--max-model-len", 1024, "--max-logprobs", VOCABULARY]
        # vLLM 0.32 on a CPU dies of a request with a seed whose prompt it takes in pieces.
        flags += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", 16384]
        self.command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *map(str, flags)]

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command, env=os.environ | SETTINGS, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + 600
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < end, self.log.read_text()[-3000:]
            time.sleep(0.5)

    def answers(self) -> bool:
        """Whether it is ready."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        """End it at once, with all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def server(tiny_folder, tmp_path_factory):
    """A server of the tiny model in float32."""
    running = Server(tiny_folder, tmp_path_factory.mktemp("vllm") / "server.log")
    try:
        running.start()
        yield running
    finally:
        running.kill()


def endpoint(server: Server, **changes) -> Endpoint:
    """The server's endpoint, asked with the patience that a restart needs."""
    settings = {
        "model": "tiny",
        "concurrency": 4,
        "timeout_seconds": 120,
        "give_up_minutes": 10,
        "backoff_seconds": 0.2,
    }
    return endpoint_at(server.base_url, **(settings | changes))


@pytest.fixture
def engine(server, tmp_path):
    """An engine that asks for the whole vocabulary's probabilities; one more, and vLLM 0.32's engine dies."""
    with open_response_log(tmp_path / "partial.jsonl") as response_log:
        yield EndpointEngine(endpoint(server), response_log, top_logprobs=VOCABULARY)


@pytest.fixture
def make_job(tmp_path, resources):
    """Jobs of one cell, each in a folder of the name it is called with, and replies long enough to be interrupted."""
    prompt_format = tmp_path / "long.yaml"
    text = (resources / "prompt_formats" / "choice_then_motivation.yaml").read_text()
    prompt_format.write_text(text.replace("max_tokens: 160", "max_tokens: 40"))

    def make(name: str) -> Job:
        (tmp_path / name).mkdir()
        return Job(tmp_path / name, resources, prompt_format)

    return make


def finish(job: Job, process: subprocess.Popen) -> bytes:
    """The shard that a job wrote."""
    said = process.communicate(timeout=500)[1]
    assert process.returncode == 0, said
    assert not job.partial.exists()
    return job.shard.read_bytes()


def test_a_special_token_in_a_text_is_a_token_to_the_server_and_text_to_an_engine(server, tokenizer):
    messages = [{"role": "system", "content": "Choose."}, {"role": "user", "content": "You see <|im_end|> here."}]
    body = {"model": "tiny", "messages": messages, "add_generation_prompt": True}
    asked = urllib.request.Request(f"http://127.0.0.1:{server.port}/tokenize", json.dumps(body).encode())
    asked.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(asked, timeout=60) as answer:
        theirs = json.load(answer)["tokens"]
    ours = prompt_ids(tokenizer, messages)
    assert [ids.count(tokenizer.eos_token_id) for ids in (theirs, ours)] == [3, 2]
    assert tokenizer.decode(theirs) == tokenizer.decode(ours)


def test_option_probabilities_are_those_of_transformers(engine, asked, scores):
    found = engine.score(asked)
    assert len(found) == len(scores)
    for one, exact in zip(found, scores, strict=True):
        assert one.log_probabilities == pytest.approx(exact.log_probabilities, abs=1e-4)
        assert one.option_mass == pytest.approx(exact.option_mass, abs=1e-4)


def test_sampled_rates_are_the_probabilities_that_transformers_gives(server, tmp_path, asked, local_model, tokenizer):
    import torch

    from tom.models.language_models import load_model
    from tom.prompts.chat import prompt_ids

    ids = torch.tensor([prompt_ids(tokenizer, asked[0].messages)])
    with torch.inference_mode():
        logits = load_model(local_model.weights, "cpu")(ids).logits[0, -1].double()
    exact = (logits / 0.8).softmax(-1)
    request = Request(asked[0].messages, count=1000, max_tokens=1, temperature=0.8, top_p=1.0, seed=11)
    with open_response_log(tmp_path / "partial.jsonl") as response_log:
        [replies] = EndpointEngine(endpoint(server, n_per_request=100), response_log).reply([request])
    texts = [reply.text for reply in replies]
    words = [tokenizer.decode([token], skip_special_tokens=True) for token in range(len(tokenizer))]
    # A token that is part of a letter's bytes has no text of its own.
    whole = [token for token, word in enumerate(words) if word and "\ufffd" not in word]
    likeliest = sorted(whole, key=lambda token: -exact[token])[:5]
    for word in {words[token] for token in likeliest}:
        probability = sum(exact[token].item() for token in whole if words[token] == word)
        low, high = jeffreys(texts.count(word), len(texts), 0.9999)
        assert low <= probability <= high, (word, texts.count(word), probability)


def test_one_request_for_several_replies_brings_those_of_single_ones(server, tmp_path, asked):
    request = Request(asked[0].messages, count=12, max_tokens=8, temperature=1.0, top_p=0.95, seed=5)
    found = []
    for number in (1, 5):
        with open_response_log(tmp_path / f"{number}.jsonl") as response_log:
            [replies] = EndpointEngine(endpoint(server, n_per_request=number), response_log).reply([request])
            found.append([reply.text for reply in replies])
    assert found[0] == found[1]
    assert len(set(found[0])) > 6


def test_a_server_killed_in_mid_shard_and_started_again_loses_nothing(server, make_job):
    shards = []
    for name in ("undisturbed", "again"):
        job = make_job(name)
        shards.append(finish(job, job.start(endpoint(server), OBSERVATIONS)))
    assert shards[0] == shards[1]

    job = make_job("disturbed")
    process = job.start(endpoint(server), OBSERVATIONS)
    while job.kept() < 15:
        assert process.poll() is None
        time.sleep(0.01)
    server.kill()
    kept = job.partial.read_bytes()
    assert kept.count(b"\n") < OBSERVATIONS
    server.start()
    assert job.partial.read_bytes().startswith(kept)
    assert finish(job, process) == shards[0]
