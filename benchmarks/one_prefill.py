"""300 observations drawn from one forward pass against 300 separate `generate` calls.

python benchmarks/one_prefill.py [--calls 20]
"""

import argparse

from measure import ROOT, STUDENT, now, require_student, unit

OBSERVATIONS = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=20, help="`generate` calls that are measured")
    calls = parser.parse_args().calls
    require_student()

    import torch

    from tom.engines.transformers_engine import TransformersEngine
    from tom.models.local_model import LocalModel
    from tom.prompts.cells import CellFiles
    from tom.prompts.chat import prompt_ids
    from tom.prompts.variants import PAPER_VARIANT
    from tom.sampling.choices import observe, questions

    resources = ROOT / "resources"
    cell = CellFiles(
        "stag_hunt",
        resources / "games/stag_hunt.yaml",
        resources / "contexts/business.yaml",
        resources / "prompt_formats/choice.yaml",
    )
    engine = TransformersEngine(LocalModel(STUDENT / "weights", STUDENT / "manifest.json", None, None, threads=1))
    fields = {"model": "base", "game": "stag_hunt", "context": "business"}
    settings = {"observations": OBSERVATIONS, "temperature": 1.0, "seed": 1, "fields": fields}

    def ours() -> None:
        observe(engine, cell, [PAPER_VARIANT.order], **settings)

    question = questions(cell, [PAPER_VARIANT])[0]
    prompt = torch.tensor([prompt_ids(engine.tokenizer, question.messages)], device=engine.model.device)

    def theirs() -> None:
        engine.model.generate(
            prompt, attention_mask=torch.ones_like(prompt), do_sample=True, temperature=1.0, max_new_tokens=1
        )

    one_pass = seconds_of(ours, 3)
    one_call = seconds_of(theirs, calls)
    print(f"{OBSERVATIONS} observations from one pass (with the exchanged letters scored too): {one_pass:.2f} {unit()}")
    print(f"one `generate` call of one token: {one_call:.3f} {unit()}, mean of {calls}")
    print(f"{OBSERVATIONS} such calls: {OBSERVATIONS * one_call:.0f} {unit()} (extrapolated)")
    print(f"ratio: {OBSERVATIONS * one_call / one_pass:.0f}")


def seconds_of(work, times: int) -> float:
    """Mean seconds of a call, after one that warms up."""
    work()
    started = now()
    for _ in range(times):
        work()
    return (now() - started) / times


if __name__ == "__main__":
    main()
