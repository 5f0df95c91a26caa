"""One pass over weighted, packed prompts against one epoch of TRL's SFTTrainer on the rows they stand for.

python benchmarks/weighted_training.py [--rows 48]

The same NF4 student, LoRA adapter, optimiser and learning rate. 20 cells x 300 observations in both listing
orders are 6,000 rows; TRL trains on --rows of them, completion loss only, and its epoch is extrapolated.
"""

import argparse
from itertools import product

import yaml
from measure import ROOT, STUDENT, now, require_student, unit
from sft_rows import rows_of, sft_seconds

ROWS = 6000
BATCH = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=48, help="rows that TRL trains on")
    rows = parser.parse_args().rows
    require_student()

    import torch

    torch.set_num_threads(1)
    from tom.models.language_models import load_model, load_tokenizer, pick_device
    from tom.training.examples import group_examples
    from tom.training.objective import add_gradient, pack_examples

    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    examples = default_lessons(config)
    tokenizer = load_tokenizer(STUDENT / "weights")

    model = adapted(load_model(STUDENT / "weights", pick_device()), config)
    limit = config["training"]["tokens_per_pack"]
    batches = [pack_examples(tokenizer, group, limit) for group in group_examples(examples)]
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=7e-4)

    def step(batch) -> None:
        optimizer.zero_grad()
        add_gradient(model, batch)
        optimizer.step()

    step(batches[0])
    started = now()
    for batch in batches:
        step(batch)
    ours = now() - started
    trl = trl_seconds(tokenizer, adapted(load_model(STUDENT / "weights", pick_device()), config), examples, rows)
    epoch = trl / rows * ROWS
    print(f"one pass over {len(examples)} weighted prompts in {len(batches)} batches: {ours:.1f} {unit()}")
    print(f"TRL, {rows} rows: {trl:.1f} {unit()}; an epoch of {ROWS} rows: {epoch:.0f} {unit()} (extrapolated)")
    print(f"ratio: {epoch / ours:.0f}")


def default_lessons(config: dict) -> list:
    """The default experiment's examples, from the published counts."""
    import polars as pl

    from tom.prompts.cells import CellFiles
    from tom.prompts.prompts import CHOICE
    from tom.sampling.recorded_choices import read_counts, replay
    from tom.sampling.shards import COLUMNS
    from tom.training.examples import cell_examples, weighted_replies
    from tom.training.recipe import LABEL

    counts = read_counts(ROOT / "resources/paper/observed_choices.csv", "teacher")
    split = config["splits"]["in_sample"]
    examples = []
    for game, context in product(split["games"], split["contexts"]):
        files = CellFiles(
            game,
            ROOT / "resources/games" / f"{game}.yaml",
            ROOT / "resources/contexts" / f"{context}.yaml",
            ROOT / "resources/prompt_formats/choice.yaml",
        )
        rows = [
            {name: row.get(name) for name in COLUMNS} for row in replay(counts[game, context], {"model": "teacher"})
        ]
        (replies,) = weighted_replies([pl.DataFrame(rows, schema=COLUMNS)], LABEL, CHOICE, seed=1)
        examples += cell_examples(files, replies, config["training"]["option_orders"])
    return examples


def adapted(model, config: dict):
    """The model with the default recipe's adapter, in training mode."""
    from tom.training.recipe import Recipe
    from tom.training.trainer import add_adapter

    knobs = {name: value for name, value in config["training"].items() if name not in ("seeds", "orders", "threads")}
    return add_adapter(model, Recipe(**knobs), seed=1).train()


def trl_seconds(tokenizer, model, examples: list, rows: int) -> float:
    """CPU seconds of SFTTrainer.train on some of the rows that the examples stand for."""
    return sft_seconds(tokenizer, model, rows_of(examples)[:rows], BATCH)


if __name__ == "__main__":
    main()
