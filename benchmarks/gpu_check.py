"""Is a GPU right, fast and large enough for this project? One JSON and one table, in under seven minutes.

python benchmarks/gpu_check.py [--output FOLDER] [--sections SECTION ...] [--seconds 400] [--small]

A section that fails is a line of the table, and the next one runs. Each has a process of its own, since an error of
CUDA stays with its process. Speed and memory are of a model of Llama-2-7b's shape with random weights, which takes
18 GB of $TMPDIR. What is expected is arithmetic for an H100 or H200 (docs/gpu.md). --small runs the same code with tiny
shapes on a CPU, and says only that it works.
"""

import argparse
import gc
import json
import multiprocessing
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from measure import ROOT

STUDENT = ROOT / "resources/tiny_pair/student"
LLAMA_7B = {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32}
TINY = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
# Rank, alpha and layers of the paper's adapter, and of this project's.
ADAPTERS = {"q and v": (8, 16, "q_proj,v_proj"), "all layers": (16, 32, "all-linear")}
CELLS = [(game, context) for game in ("prisoners_dilemma", "stag_hunt") for context in ("business", "sports")]


def row(section: str, figure: str, found, unit: str = "", expected: str = "", ok: bool | None = None) -> dict:
    """A row of the table. ok: whether it is right; None where it is only a size or a speed."""
    return {"section": section, "figure": figure, "found": found, "unit": unit, "expected": expected, "ok": ok}


class Check:
    """What sections share: the sizes, the device, a folder for models, and rows of the table."""

    def __init__(self, section: str, work: Path, small: bool):
        self.section, self.work, self.small, self.device = section, work, small, "cpu" if small else "cuda"
        self.shape, self.vocabulary = (TINY, 704) if small else (LLAMA_7B, 32000)
        # Tokens of a prompt and of a motivation, and a cell's replies.
        self.prompt, self.reply, self.replies = (20, 6, 12) if small else (250, 105, 300)
        self.packs = (32, 64, 128) if small else (1024, 4096, 8192)
        self.rows: list[dict] = []

    def add(self, *values, **named) -> None:
        self.rows.append(row(self.section, *values, **named))

    def seconds(self, work: Callable, times: int = 1) -> float:
        """Median seconds of a call by the clock, until the GPU is done."""
        import torch

        found = []
        for _ in range(times):
            torch.get_device_module(self.device).synchronize()
            started = time.perf_counter()
            work()
            torch.get_device_module(self.device).synchronize()
            found.append(time.perf_counter() - started)
        return statistics.median(found)

    def forget(self) -> None:
        """Free what nothing refers to; `peak_gb` counts from here."""
        import torch

        gc.collect()
        if not self.small:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def peak_gb(self) -> float:
        """The most GPU memory since then, in GB; 0 on a CPU."""
        import torch

        return 0.0 if self.small else torch.cuda.max_memory_allocated() / 1e9

    def ceiling(self) -> float:
        """FLOP a second of bfloat16 matrix products at best."""
        import torch

        size = 256 if self.small else 8192
        one, other = (torch.randn(size, size, device=self.device, dtype=torch.bfloat16) for _ in range(2))
        self.seconds(lambda: one @ other, 3)
        return 2 * size**3 / self.seconds(lambda: one @ other, 10)

    def large_model(self, adapter: str | None = None):
        """The 7B-shaped model at NF4 with bfloat16 compute, made once, with a new adapter if one is named."""
        import torch
        from transformers import AutoModelForCausalLM, LlamaConfig

        from tom.models.language_models import convert_precision, load_model
        from tom.training.trainer import add_adapter

        folder, source = self.work / "nf4", self.work / "bfloat16"
        if not folder.exists():
            config = LlamaConfig(**self.shape, vocab_size=self.vocabulary, bos_token_id=1, eos_token_id=2)
            torch.manual_seed(1)
            with torch.device(self.device):
                AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(source)
            for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
                shutil.copy(STUDENT / name, source)
            self.forget()
            convert_precision(source, folder, "nf4", "bfloat16", self.device)
            shutil.rmtree(source)
        model = load_model(folder, self.device)
        return model if adapter is None else add_adapter(model, recipe(adapter), seed=1).train()

    def engine(self, weights: Path):
        """An engine for a model folder, in this process."""
        from tom.engines.local_model import LocalModel
        from tom.engines.opening import open_engine
        from tom.models.model_folders import write_manifest

        manifest = self.work / f"{weights.name}.json"
        write_manifest(manifest, weights, source="gpu_check")
        return open_engine(LocalModel(weights, manifest, None, None, threads=1, gpus=int(not self.small)))

    def random_rows(self, replies: int) -> list:
        """Different replies of random tokens to one prompt."""
        import torch

        from tom.training.batching import Row

        length, generator = self.prompt + replies * self.reply, torch.Generator().manual_seed(1)
        numbers = torch.randint(300, self.vocabulary, (length,), generator=generator).tolist()
        prompt, texts = tuple(numbers[: self.prompt]), numbers[self.prompt :]
        return [Row("", prompt, tuple(texts[i : i + self.reply]), 1) for i in range(0, len(texts), self.reply)]


def recipe(adapter: str):
    """A recipe with one of the adapters."""
    from tom.training.recipe import FULL_REPLY, Recipe

    rank, alpha, modules = ADAPTERS[adapter]
    settings = {"learning_rate": 1e-5, "warmup": 0.0, "epochs": 1, "gauss_newton_steps": 0, "tokens_per_pack": 4096}
    return Recipe(FULL_REPLY, rank, alpha, 0.0, modules, weight_decay=0.0, clip=1.0, **settings)


def questions_of_cells() -> list:
    """The questions of some cells, in both option orders and label mappings."""
    from tom.prompts.cells import CellFiles
    from tom.prompts.variants import ORDERS, scored
    from tom.sampling.choices import questions

    folder = ROOT / "resources"
    asked = folder / "prompt_formats/choice.yaml"
    cells = [CellFiles(g, folder / f"games/{g}.yaml", folder / f"contexts/{c}.yaml", asked) for g, c in CELLS]
    return [questions(cell, scored(list(ORDERS))) for cell in cells]


def card(check: Check) -> None:
    """What the card is, and does at best."""
    import torch

    from tom.engines.devices import ask_driver

    if not check.small:
        ((name, driver, memory),) = ask_driver("name,driver_version,memory.total")[:1]
        check.add("GPU", name)
        check.add("driver", driver, "", "580 or newer")
        check.add("memory", float(memory) * 2**20 / 1e9, "GB")
    check.add("torch", torch.__version__)
    check.add("bfloat16 matrix products", check.ceiling() / 1e12, "TFLOP/s", "700 to 800")
    numbers = torch.empty(2**20 if check.small else 2**31, dtype=torch.uint8, device=check.device)
    check.add("copying", 2 * len(numbers) / check.seconds(numbers.clone, 5) / 1e12, "TB/s", "3 to 4.5")


def correct(check: Check) -> None:
    """The tiny student here against itself on a CPU, its answers in another order, and its gradient in packs."""
    import torch

    from tom.models.language_models import convert_precision, load_model
    from tom.training.objective import add_gradient, pack_rows
    from tom.training.trainer import add_adapter

    folders, asked, on_cpu = {}, questions_of_cells(), Check(check.section, check.work, small=True)
    for compute in ("float32", "bfloat16"):
        folders[compute] = check.work / f"tiny-{compute}"
        convert_precision(STUDENT, folders[compute], "nf4", compute)
    here, there = (
        [p for one in asked for answer in engine.score(one) for p in answer.log_probabilities]
        for engine in (check.engine(folders["float32"]), on_cpu.engine(folders["float32"]))
    )
    apart = max(abs(one - other) for one, other in zip(here, there, strict=True))
    check.add("NF4: log-probabilities, to a CPU's", apart, "nats", "under 0.001", apart < 1e-3)
    engine = check.engine(folders["bfloat16"])
    first = [engine.score(one) for one in asked]
    same = first == [engine.score(one) for one in reversed(asked)][::-1]
    check.add("the same answers again, in another order", same, ok=same)

    def gradient(tokens_per_pack: int) -> torch.Tensor:
        model.zero_grad()
        add_gradient(model, pack_rows(on_cpu.random_rows(12), tokens_per_pack))
        return torch.cat([p.grad.flatten().cpu() for p in model.parameters() if p.requires_grad])

    for compute, limit in (("float32", 1e-3), ("bfloat16", 2e-2)):
        model = add_adapter(load_model(folders[compute], check.device), recipe("all layers"), seed=1).train()
        for name, parameter in model.named_parameters():
            if "lora_B" in name:  # a new one is zero, and so is the gradient of A
                parameter.data.normal_(0, 0.02)
        whole = gradient(10_000)
        packs, twice = (((gradient(size) - whole).norm() / whole.norm()).item() for size in (40, 10_000))
        check.add(f"gradient at {compute}: packs, to one pass", packs, "", f"under {limit}", packs < limit)
        check.add(f"gradient at {compute}: again, to the first", twice, "", "0")


def score(check: Check) -> None:
    """Quantising, loading and scoring a model of 7 billion weights."""
    check.add("7B: make and quantise", check.seconds(check.large_model), "s", "40 to 120")
    check.add("7B: quantising, peak memory", check.peak_gb(), "GB", "under 17")
    check.forget()
    engines, asked = [], questions_of_cells()
    check.add("7B: load", check.seconds(lambda: engines.append(check.engine(check.work / "nf4"))), "s", "5 to 15")
    first = [engines[0].score(one) for one in asked]
    check.add("7B: score a cell", 1e3 * check.seconds(lambda: engines[0].score(asked[0]), 5), "ms", "40 to 80")
    check.add("7B: scoring, peak memory", check.peak_gb(), "GB", "under 7")
    same = [engines[0].score(one) for one in reversed(asked)][::-1] == first
    check.add("7B: the same answers again, in another order", same, ok=same)


def train(check: Check) -> None:
    """A step over a cell's replies by size of pack, and a plain PEFT loop over rows of the same prompt and replies."""
    for adapter in ADAPTERS:
        check.forget()
        train_adapter(check, adapter, check.ceiling())


def train_adapter(check: Check, adapter: str, ceiling: float) -> None:
    """The same for one adapter. ceiling: of the card, in FLOP a second."""
    import torch

    from tom.training.objective import pack_rows
    from tom.training.trainer import take_step

    model = check.large_model(adapter)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5)
    hidden, inner, layers = (check.shape[key] for key in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    # A frozen weight is multiplied once forwards and once backwards, with two operations each.
    operations = 4 * layers * (4 * hidden**2 + 3 * hidden * inner)

    def measure(what: str, step: Callable, few: Callable, replies: int, tokens: int) -> None:
        check.forget()
        try:
            few()
            seconds = check.seconds(step)
        except torch.OutOfMemoryError:
            check.add(f"{adapter}, {what}", "out of memory")
            return
        check.add(f"{adapter}, {what}: replies", replies / seconds, "1/s")
        check.add(
            f"{adapter}, {what}: of the card's rate", 100 * operations * tokens / seconds / ceiling, "%", "20 to 40"
        )
        check.add(f"{adapter}, {what}: peak memory", check.peak_gb(), "GB")

    def step_over(batch) -> Callable:
        return lambda: take_step(model, batch, trained, optimizer, recipe(adapter), 1)

    for limit in check.packs:
        number = check.replies if limit >= 4096 or check.small else check.replies // 4
        batch, few = (pack_rows(check.random_rows(replies), limit) for replies in (number, 4))
        measure(f"packs of {limit}", step_over(batch), step_over(few), number, batch.tokens())
    number = 4 if check.small else 16
    ids = torch.tensor([row.prompt + row.reply for row in check.random_rows(number)], device=check.device)
    labels = ids.clone()
    labels[:, : check.prompt] = -100

    def plain() -> None:
        with torch.autocast(check.device, torch.bfloat16):
            model(input_ids=ids, labels=labels, use_cache=False).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    measure(f"plain PEFT, {number} rows", plain, plain, number, ids.numel())


def reply(check: Check) -> None:
    """Free replies of the quantised model, untuned and with each adapter, as sampling draws them."""
    from tom.engines.generation import generate
    from tom.engines.interface import Request
    from tom.models.language_models import load_tokenizer

    messages = questions_of_cells()[0][0].messages
    count, length = (8, 3) if check.small else (64, 32)
    for adapter in (None, *ADAPTERS):
        check.forget()
        model, tokenizer = check.large_model(adapter).eval(), load_tokenizer(check.work / "nf4")

        def draw(count: int, length: int, model=model, tokenizer=tokenizer) -> None:
            generate(model, tokenizer, Request(messages, count, length, 1.0, 1.0, 1))

        draw(2, 2)
        found = 1e3 * check.seconds(lambda draw=draw: draw(count, length)) / length
        check.add(f"{count} replies, {adapter or 'no'} adapter: a token of each", found, "ms", "30 to 110")
        check.add(f"{count} replies, {adapter or 'no'} adapter: peak memory", check.peak_gb(), "GB", "under 11")


def workflow(check: Check) -> None:
    """The tiny pair through Snakemake, each model on a GPU."""
    on_gpu = {"gpus": int(not check.small), "compute_dtype": "bfloat16"}
    splits = dict.fromkeys(["out_of_sample_contexts", "doubled_payoffs", "public_goods"])
    splits |= {"in_sample": {"contexts": ["business", "friendship"]}}
    settings = {"splits": splits, "teacher": on_gpu, "student": on_gpu, "results": "results-gpu-check"}
    (check.work / "pair.json").write_text(json.dumps(settings))
    # Without a GPU the tests run the rest.
    target = "prepare" if check.small else "in_sample"
    # A check that runs out of time leaves no lock behind.
    command = [sys.executable, "-m", "snakemake", target, "--cores", "all", "--nolock"]
    files = ["config/config.yaml", "config/tiny_pair.yaml", check.work / "pair.json"]
    results = ROOT / settings["results"]
    shutil.rmtree(results, ignore_errors=True)
    started = time.perf_counter()
    done = subprocess.run([*command, "--configfile", *files], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"Snakemake ended with {done.returncode}: {done.stderr[-2000:]}")
    check.add("the tiny pair through Snakemake", time.perf_counter() - started, "s", "60 to 150")
    logs = "".join(file.read_text() for file in results.glob("logs/sample/**/*.log"))
    check.add("models loaded for its shards", logs.count("resident engine started"), "", "2 or 3")
    shutil.rmtree(results)


SECTIONS = {found.__name__: found for found in (card, correct, score, train, reply, workflow)}


def rows_of(section: str, work: Path, small: bool) -> list[dict]:
    """The rows of one section, run in this process; a failure is one of them."""
    from tom.engines.devices import take_devices

    check, started = Check(section, work, small), time.perf_counter()
    try:
        if section != "workflow":  # its own jobs take the GPU
            take_devices(int(not small))
        SECTIONS[section](check)
    except Exception as error:  # noqa: BLE001 it must not end the others
        traceback.print_exc()
        check.add("failed", f"{type(error).__name__}: {error}".splitlines()[0], ok=False)
    check.add("this section", time.perf_counter() - started, "s")
    return check.rows


def rows_of_process(section: str, work: Path, seconds: float) -> list[dict]:
    """The same in a process of its own, which has so many seconds."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=send_rows, args=(sender, section, work))
    process.start()
    sender.close()
    try:
        if receiver.poll(seconds):
            return receiver.recv()
        return [row(section, "not done", f"took longer than the {seconds:.0f} s that were left", ok=False)]
    except EOFError:
        return [row(section, "failed", "its process was killed", ok=False)]
    finally:
        # What it started, such as Snakemake, ends with it.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.join()


def send_rows(sender: Connection, section: str, work: Path) -> None:
    """Send the rows of a section, run in this process as the first of a group."""
    os.setpgrp()
    sender.send(rows_of(section, work, False))


def table(rows: list[dict]) -> str:
    """All rows as Markdown."""
    from tom.reporting.tables import markdown_table

    def cells(one: dict) -> list[str]:
        found = f"{one['found']:.4g}" if isinstance(one["found"], float) else str(one["found"])
        verdict = {True: "right", False: "WRONG", None: ""}[one["ok"]]
        return [one["section"], one["figure"], found, one["unit"], one["expected"], verdict]

    return "\n".join(markdown_table(["section", "figure", "found", "unit", "expected", ""], list(map(cells, rows))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks/runs", help="folder of both files")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="all unless given")
    parser.add_argument("--seconds", type=float, default=410, help="until the check ends, whatever it has done")
    parser.add_argument("--small", action="store_true", help="tiny shapes, on a CPU")
    arguments = parser.parse_args()
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "TQDM_DISABLE": "1"}
    started, rows = time.perf_counter(), []
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        for section in arguments.sections:
            left = arguments.seconds - (time.perf_counter() - started)
            if left <= 0:
                rows.append(row(section, "not run", "out of time"))
            elif arguments.small:
                rows += rows_of(section, Path(folder), small=True)
            else:
                rows += rows_of_process(section, Path(folder), left)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "gpu_check.json").write_text(json.dumps(rows, indent=1))
    (arguments.output / "gpu_check.md").write_text(table(rows) + "\n")
    print(table(rows))
    sys.exit(any(row["ok"] is False for row in rows))


if __name__ == "__main__":
    main()
