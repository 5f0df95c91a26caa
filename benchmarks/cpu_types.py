"""A student at bfloat16 on a CPU against the same at float32: a forward pass, and a step of its LoRA training.

The weights are drawn at random, since they change no time. On a CPU with instructions for bfloat16 (AVX512-BF16, AMX)
it is the faster type, on all others the slower one.

python benchmarks/cpu_types.py [--model FOLDER] [--tokens 512]
"""

import argparse
import time

from measure import add_model_argument, model_folder

TYPES = ("float32", "bfloat16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=512, help="of the prompt")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    add_model_argument(parser)
    arguments = parser.parse_args()
    folder = model_folder(arguments.model)

    import torch

    torch.set_num_threads(arguments.threads)
    print(f"CPU: {torch.backends.cpu.get_cpu_capability()}, {arguments.threads} thread(s)")
    found = {name: seconds_of(student(folder, name), arguments.tokens) for name in TYPES}
    for place, work in enumerate(("forward pass", "training step")):
        plain, short = (found[name][place] for name in TYPES)
        print(
            f"{work}, {arguments.tokens} tokens: float32 {plain:.2f} CPU-s, bfloat16 {short:.2f}: {short / plain:.1f}"
        )


def student(folder, dtype: str):
    """The architecture of a folder's model at a type of torch, with an adapter on each linear layer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(folder / "weights", local_files_only=True)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype))
    return get_peft_model(model, LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM"))


def seconds_of(model, tokens: int) -> tuple[float, float]:
    """CPU seconds of a forward pass, and of one with its gradient, each after one that warms up."""
    import torch

    from tom.training.objective import mixed_precision

    prompt = torch.randint(3, model.config.vocab_size, (1, tokens))

    def forward() -> None:
        with torch.no_grad():
            model(prompt)

    def step() -> None:
        with mixed_precision(model):
            loss = model(prompt, labels=prompt).loss
        loss.backward()
        model.zero_grad()

    seconds = []
    for work in (forward, step):
        work()
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return seconds[0], seconds[1]


if __name__ == "__main__":
    main()
