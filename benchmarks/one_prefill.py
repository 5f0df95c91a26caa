"""300 observations drawn from one forward pass against 300 separate `generate` calls: CPU seconds.

python benchmarks/one_prefill.py [--calls 20]
"""

import argparse
import time

from measure import ROOT, STUDENT, require_student

OBSERVATIONS = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=20, help="`generate` calls that are measured")
    calls = parser.parse_args().calls
    require_student()

    import torch

    from tom.asking.cells import CellFiles
    from tom.asking.chat import prompt_ids
    from tom.asking.variants import PAPER_VARIANT
    from tom.engines.choices import observe, questions
    from tom.engines.transformers_engine import TransformersEngine
    from tom.weights.local_model import LocalModel

    resources = ROOT / "resources"
    cell = CellFiles(
        "stag_hunt",
        resources / "games/stag_hunt.yaml",
        resources / "contexts/business.yaml",
        resources / "elicitations/choice.yaml",
    )
    engine = TransformersEngine(LocalModel(STUDENT / "weights", STUDENT / "manifest.json", None, None, threads=1))
    fields = {"model": "base", "game": "stag_hunt", "context": "business"}
    settings = {"observations": OBSERVATIONS, "temperature": 1.0, "seed": 1, "fields": fields}

    def ours() -> None:
        observe(engine, cell, [PAPER_VARIANT.order], **settings)

    question = questions(cell, [PAPER_VARIANT])[0]
    prompt = torch.tensor([prompt_ids(engine.tokenizer, question.messages)])

    def theirs() -> None:
        engine.model.generate(
            prompt, attention_mask=torch.ones_like(prompt), do_sample=True, temperature=1.0, max_new_tokens=1
        )

    one_pass = cpu_seconds_of(ours, 3)
    one_call = cpu_seconds_of(theirs, calls)
    print(f"{OBSERVATIONS} observations from one pass (with the exchanged letters scored too): {one_pass:.2f} CPU-s")
    print(f"one `generate` call of one token: {one_call:.3f} CPU-s, mean of {calls}")
    print(f"{OBSERVATIONS} such calls: {OBSERVATIONS * one_call:.0f} CPU-s (extrapolated)")
    print(f"ratio: {OBSERVATIONS * one_call / one_pass:.0f}")


def cpu_seconds_of(work, times: int) -> float:
    """Mean CPU seconds of a call, after one that warms up."""
    work()
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times


if __name__ == "__main__":
    main()
