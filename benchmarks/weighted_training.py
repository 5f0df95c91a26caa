"""One pass over weighted, packed prompts against one epoch of TRL's SFTTrainer on the rows they stand for.

python benchmarks/weighted_training.py [--model FOLDER] [--rows 48] [--cells 20]

The same NF4 student, LoRA adapter, optimiser and learning rate. 20 cells x 300 observations in both listing
orders are 6,000 rows; TRL trains on --rows of them, completion loss only, and its epoch is extrapolated.
"""

import argparse
from dataclasses import fields
from itertools import islice, product

import yaml
from measure import ROOT, add_model_argument, device, model_folder, now, unit
from sft_rows import rows_of, sft_seconds

BATCH = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=48, help="rows that TRL trains on")
    parser.add_argument("--cells", type=int, default=20, help="the first so many of the default experiment")
    add_model_argument(parser)
    arguments = parser.parse_args()
    rows, weights = arguments.rows, model_folder(arguments.model) / "weights"

    import torch

    torch.set_num_threads(1)
    from tom.models.language_models import load_model, load_tokenizer
    from tom.training.objective import add_gradient, tokenise
    from tom.training.trainer import pack_groups

    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    examples, of_all = default_lessons(config, arguments.cells)
    tokenizer = load_tokenizer(weights)

    model = adapted(load_model(weights, device()), config)
    batches = pack_groups(tokenise(tokenizer, examples), config["training"]["tokens_per_pack"])
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
    trl = trl_seconds(tokenizer, adapted(load_model(weights, device()), config), examples, rows)
    epoch = trl / rows * of_all
    print(f"one pass over {len(examples)} weighted prompts in {len(batches)} batches: {ours:.1f} {unit()}")
    print(f"TRL, {rows} rows: {trl:.1f} {unit()}; an epoch of {of_all} rows: {epoch:.0f} {unit()} (extrapolated)")
    print(f"ratio: {epoch / ours:.0f}")


def default_lessons(config: dict, cells: int) -> tuple[list, int]:
    """Examples of the default experiment's first cells, from the published counts, and how many rows they stand for."""
    import polars as pl

    from tom.prompts.cells import CellFiles
    from tom.prompts.prompts import CHOICE
    from tom.sampling.recorded import read_counts, replay
    from tom.sampling.shards import COLUMNS
    from tom.training.examples import cell_examples, weighted_replies
    from tom.training.recipe import LABEL

    counts = read_counts(ROOT / "resources/paper/observed_choices.csv", "teacher")
    split, training = config["splits"]["in_sample"], config["training"]
    examples, observations = [], 0
    for game, context in islice(product(split["games"], split["contexts"]), cells):
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
        examples += cell_examples(files, replies, training["option_orders"], training["label_mapping"])
        observations += len(rows)
    return examples, observations


def adapted(model, config: dict):
    """The model with the default recipe's adapter, in training mode."""
    from tom.training.recipe import Recipe
    from tom.training.trainer import add_adapter

    recipe = Recipe(**{field.name: config["training"][field.name] for field in fields(Recipe)})
    return add_adapter(model, recipe, seed=1).train()


def trl_seconds(tokenizer, model, examples: list, rows: int) -> float:
    """CPU seconds of SFTTrainer.train on some of the rows that the examples stand for."""
    return sft_seconds(tokenizer, model, rows_of(examples)[:rows], BATCH)


if __name__ == "__main__":
    main()
