"""Ask an OpenAI-compatible endpoint about one cell, and write its shard.

Every answer is kept in --partial until the shard is written, so the next try of a job that was killed, or whose
endpoint went away, asks for the rest alone.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from tom.asking.asked_cell import add_cell_arguments, cell_fields, cell_settings
from tom.engines.endpoint import Endpoint
from tom.engines.endpoint_engine import EndpointEngine
from tom.engines.free_replies import observe_replies
from tom.engines.journal import open_journal
from tom.engines.usage import in_words
from tom.errors import run_main
from tom.files import say_wrote, write_json
from tom.shards import write_shard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_cell_arguments(parser)
    parser.add_argument("--partial", type=Path, required=True, help="where answers are kept until the shard is written")
    parser.add_argument("--usage", required=True, help="where tokens and cost are written")
    Endpoint.add_arguments(parser)
    arguments = parser.parse_args()

    endpoint = Endpoint.from_arguments(arguments)
    with open_journal(arguments.partial) as journal:
        engine = EndpointEngine(endpoint, journal)
        # An endpoint's weights have no hash that anyone could check.
        fields = cell_fields(arguments) | {"engine": "openai"}
        rows = observe_replies(engine, **cell_settings(arguments), top_p=arguments.top_p, fields=fields)
        cost = engine.usage.cost(endpoint.prompt_price, endpoint.completion_price)
        served = {"base_url": endpoint.base_url, "model": endpoint.model, "cost": cost}
        write_json(arguments.usage, served | asdict(engine.usage))
        write_shard(arguments.output, rows)
        journal.remove()
    say_wrote(arguments.usage, in_words(engine.usage, cost))


if __name__ == "__main__":
    run_main(main)
