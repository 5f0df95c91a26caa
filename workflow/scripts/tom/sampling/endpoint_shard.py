"""The shard of a cell that an OpenAI-compatible endpoint answers, and the tokens that the answers took."""

import json
from dataclasses import asdict
from pathlib import Path

from tom.core.files import log_written, write_json
from tom.engines.chat_completions import EndpointEngine
from tom.engines.endpoint import Endpoint, in_words
from tom.engines.response_log import open_response_log
from tom.parsing.outcomes import NO_REPLY
from tom.sampling.procedures import Cell, SamplingSettings, load_procedure, observe_cell
from tom.sampling.shards import write_shard

SENT = "sent"
"""Key of the shard's metadata: what its first request for scores, and its first for replies, sent beside messages."""


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
        rows = [_as_sent(row, endpoint) for row in rows]
        write_shard(output, rows, load_procedure(procedure).COLUMNS, {SENT: json.dumps(engine.sent, sort_keys=True)})
        response_log.remove()
    log_written(usage, in_words(engine.usage, cost))


def _as_sent(row: dict, endpoint: Endpoint) -> dict:
    """A row without the settings of its reply that were not sent, and without a finish that shards have no word for.

    An exact score is at the config's temperature whatever is sent.
    """
    if row["record"] == "score":
        return row
    unsent = [name for name, sent in endpoint.names().items() if not sent and name in row]
    withheld = ["finish"] if row["finish"] in NO_REPLY else []
    return row | dict.fromkeys(unsent + withheld)
