"""The shard of a cell that an OpenAI-compatible endpoint answers, and what the answers used."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tom.core.files import log_written, write_json
from tom.engines.chat_completions import EndpointEngine
from tom.engines.endpoint import Endpoint, in_words
from tom.engines.response_log import open_response_log
from tom.sampling.local_shard import cell_fields, cell_settings
from tom.sampling.shards import COLUMNS, write_shard


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
    with open_response_log(arguments.partial) as response_log:
        engine = EndpointEngine(endpoint, response_log)
        # An endpoint's weights have no hash that anyone could check.
        fields = cell_fields(arguments) | {"engine": "openai"}
        rows = observe(engine, **cell_settings(arguments), top_p=arguments.top_p, fields=fields)
        cost = engine.usage.cost(endpoint.prompt_price, endpoint.completion_price)
        served = {"base_url": endpoint.base_url, "model": endpoint.model, "cost": cost}
        write_json(arguments.usage, served | asdict(engine.usage))
        write_shard(arguments.output, rows, columns)
        response_log.remove()
    log_written(arguments.usage, in_words(engine.usage, cost))
