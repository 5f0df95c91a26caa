"""The shard of a cell that an OpenAI-compatible endpoint answers, and the tokens that the answers took."""

from dataclasses import asdict
from pathlib import Path

from tom.core.files import log_written, write_json
from tom.engines.chat_completions import EndpointEngine
from tom.engines.endpoint import Endpoint, in_words
from tom.engines.response_log import open_response_log
from tom.sampling.procedures import Cell, SamplingSettings, load_procedure, observe_cell
from tom.sampling.shards import write_shard


def write_endpoint_shard(
    output: str, partial: Path, usage: str, endpoint: Endpoint, procedure: str, cell: Cell, settings: SamplingSettings
) -> None:
    """Sample the cell, and write its shard and its usage. Errors: UserError.

    partial: keeps every answer until the shard is written. After a killed job, or an endpoint that went away, the next
    try asks for the missing answers alone.
    """
    with open_response_log(partial) as response_log:
        engine = EndpointEngine(endpoint, response_log)
        # Nobody can check a hash of an endpoint's weights, so the columns of hashes stay empty.
        rows = observe_cell(engine, procedure, cell, settings, {"engine": "openai"})
        cost = engine.usage.cost(endpoint.prompt_price, endpoint.completion_price)
        served = {"base_url": endpoint.base_url, "model": endpoint.model, "cost": cost}
        write_json(usage, served | asdict(engine.usage))
        write_shard(output, rows, load_procedure(procedure).COLUMNS)
        response_log.remove()
    log_written(usage, in_words(engine.usage, cost))
