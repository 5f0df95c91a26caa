"""The shard of a cell that an OpenAI-compatible endpoint answers, and what the answers used."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tom.asking.asked_cell import cell_fields, cell_settings
from tom.engines.endpoint import Endpoint
from tom.engines.endpoint_engine import EndpointEngine
from tom.engines.journal import open_journal
from tom.engines.usage import in_words
from tom.files import say_wrote, write_json
from tom.shards import COLUMNS, write_shard


def add_endpoint_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of write_endpoint_shard, beside those of the cell."""
    parser.add_argument("--partial", type=Path, required=True, help="where answers are kept until the shard is written")
    parser.add_argument("--usage", required=True, help="where tokens and cost are written")
    Endpoint.add_arguments(parser)


def write_endpoint_shard(arguments: argparse.Namespace, observe: Callable[..., list[dict]], columns=COLUMNS) -> None:
    """Ask about the cell as `observe` does, and write its shard of these columns and its usage.

    Every answer is kept in --partial until the shard is written, so the next try of a job that was killed, or whose
    endpoint went away, asks for the rest alone.
    """
    endpoint = Endpoint.from_arguments(arguments)
    with open_journal(arguments.partial) as journal:
        engine = EndpointEngine(endpoint, journal)
        # An endpoint's weights have no hash that anyone could check.
        fields = cell_fields(arguments) | {"engine": "openai"}
        rows = observe(engine, **cell_settings(arguments), top_p=arguments.top_p, fields=fields)
        cost = engine.usage.cost(endpoint.prompt_price, endpoint.completion_price)
        served = {"base_url": endpoint.base_url, "model": endpoint.model, "cost": cost}
        write_json(arguments.usage, served | asdict(engine.usage))
        write_shard(arguments.output, rows, columns)
        journal.remove()
    say_wrote(arguments.usage, in_words(engine.usage, cost))
