"""300 observations drawn from one forward pass against 300 separate `generate` calls.

python benchmarks/one_prefill.py [--model FOLDER] [--calls 20]
"""

import argparse

from measure import ROOT, add_model_argument, model_folder, now, open_model, unit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=20, help="`generate` calls that are measured")
    parser.add_argument("--observations", type=int, default=300, help="of the cell")
    add_model_argument(parser)
    arguments = parser.parse_args()
    calls, observations, folder = arguments.calls, arguments.observations, model_folder(arguments.model)

    import torch

    from tom.prompts.cells import CellFiles
    from tom.prompts.chat import prompt_ids
    from tom.prompts.variants import PAPER_VARIANT
    from tom.sampling.choices import observe, questions
    from tom.sampling.procedures import SamplingSettings

    resources = ROOT / "resources"
    cell = CellFiles(
        "stag_hunt",
        resources / "games/stag_hunt.yaml",
        resources / "contexts/business.yaml",
        resources / "prompt_formats/choice.yaml",
    )
    engine = open_model(folder)
    fields = {"model": "base", "game": "stag_hunt", "context": "business"}
    settings = SamplingSettings(observations, temperature=1.0, seed=1, option_orders=(PAPER_VARIANT.order,))

    def ours() -> None:
        observe(engine, cell, settings, fields)

    question = questions(cell, [PAPER_VARIANT])[0]
    prompt = torch.tensor([prompt_ids(engine.tokenizer, question.messages)], device=engine.model.device)

    def theirs() -> None:
        engine.model.generate(
            prompt, attention_mask=torch.ones_like(prompt), do_sample=True, temperature=1.0, max_new_tokens=1
        )

    one_pass = seconds_of(ours, 3)
    one_call = seconds_of(theirs, calls)
    print(f"{observations} observations from one pass (with the exchanged letters scored too): {one_pass:.2f} {unit()}")
    print(f"one `generate` call of one token: {one_call:.3f} {unit()}, mean of {calls}")
    print(f"{observations} such calls: {observations * one_call:.0f} {unit()} (extrapolated)")
    print(f"ratio: {observations * one_call / one_pass:.0f}")


def seconds_of(work, times: int) -> float:
    """Mean seconds of a call, after one that warms up."""
    work()
    started = now()
    for _ in range(times):
        work()
    return (now() - started) / times


if __name__ == "__main__":
    main()
