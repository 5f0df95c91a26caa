"""Ask an OpenAI-compatible endpoint about one cell, and write its shard.

Every answer is kept in --partial until the shard is written, so the next try of a job that was killed, or whose
endpoint went away, asks for the rest alone.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from tom.cells import CellFiles
from tom.endpoint import Endpoint
from tom.endpoint_engine import EndpointEngine
from tom.errors import run_main
from tom.files import say_wrote, write_json
from tom.free_replies import observe_replies
from tom.journal import open_journal
from tom.shards import write_shard
from tom.usage import in_words


def shard_fields(arguments: argparse.Namespace) -> dict:
    """The columns that every row of the shard shares; an endpoint's weights have no hash that anyone could check."""
    return {
        "model": arguments.model,
        "game": arguments.game,
        "context": arguments.context_file.stem,
        "elicitation": arguments.elicitation_file.stem,
        "engine": "openai",
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
    parser.add_argument("--top-p", type=float, default=1.0, help="1 cuts nothing off")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--partial", type=Path, required=True, help="where answers are kept until the shard is written")
    parser.add_argument("--usage", required=True, help="where tokens and cost are written")
    parser.add_argument("--output", required=True)
    Endpoint.add_arguments(parser)
    arguments = parser.parse_args()

    endpoint = Endpoint.from_arguments(arguments)
    with open_journal(arguments.partial) as journal:
        engine = EndpointEngine(endpoint, journal)
        rows = observe_replies(
            engine,
            files=CellFiles(arguments.game, arguments.game_file, arguments.context_file, arguments.elicitation_file),
            orders=arguments.orders,
            observations=arguments.observations,
            temperature=arguments.temperature,
            top_p=arguments.top_p,
            seed=arguments.seed,
            fields=shard_fields(arguments),
        )
        cost = engine.usage.cost(endpoint.prompt_price, endpoint.completion_price)
        served = {"base_url": endpoint.base_url, "model": endpoint.model, "cost": cost}
        write_json(arguments.usage, served | asdict(engine.usage))
        write_shard(arguments.output, rows)
        journal.remove()
    say_wrote(arguments.usage, in_words(engine.usage, cost))


if __name__ == "__main__":
    run_main(main)
