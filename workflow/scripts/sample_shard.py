"""Score and sample one cell with a local model, and write its shard.

The form of the elicitation decides how: a choice alone is drawn from its exact probabilities, any other reply is
written freely and then read.
The bytes of a shard are the same whether a resident engine answered or the model was loaded for it alone.
"""

import argparse
from functools import partial
from pathlib import Path

from tom.cells import CellFiles
from tom.choices import observe
from tom.engines import with_local_engine
from tom.errors import run_main
from tom.free_replies import observe_replies
from tom.local_model import LocalModel
from tom.prompts import CHOICE, load_elicitation
from tom.shards import write_shard


def shard_fields(arguments: argparse.Namespace, model: LocalModel) -> dict:
    """The columns that every row of the shard shares."""
    return {
        "model": arguments.model,
        "game": arguments.game,
        "context": arguments.context_file.stem,
        "elicitation": arguments.elicitation_file.stem,
        "engine": model.engine,
        "model_sha256": model.sha256,
        "adapter_sha256": model.adapter_sha256,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="the model's name in this run")
    parser.add_argument("--game", required=True, help="the game's name, with its scale")
    parser.add_argument("--game-file", type=Path, required=True)
    parser.add_argument("--context-file", type=Path, required=True)
    parser.add_argument("--elicitation-file", type=Path, required=True)
    parser.add_argument("--orders", nargs="+", required=True)
    parser.add_argument("--observations", type=int, required=True)
    parser.add_argument("--temperature", type=float, required=True)
    parser.add_argument("--top-p", type=float, default=1.0, help="of free replies; 1 cuts nothing off")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--idle-seconds", type=float, required=True, help="0: no resident engine")
    parser.add_argument("--output", required=True)
    LocalModel.add_arguments(parser)
    arguments = parser.parse_args()

    model = LocalModel.from_arguments(arguments)
    if load_elicitation(arguments.elicitation_file).form == CHOICE:
        draw = observe
    else:
        draw = partial(observe_replies, top_p=arguments.top_p)
    work = partial(
        draw,
        files=CellFiles(arguments.game, arguments.game_file, arguments.context_file, arguments.elicitation_file),
        orders=arguments.orders,
        observations=arguments.observations,
        temperature=arguments.temperature,
        seed=arguments.seed,
        fields=shard_fields(arguments, model),
    )
    write_shard(arguments.output, with_local_engine(model, arguments.idle_seconds, work))


if __name__ == "__main__":
    run_main(main)
