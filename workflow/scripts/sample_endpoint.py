"""Sample one cell at an OpenAI-compatible endpoint, and write its shard and its usage."""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.core.flags import add_flags, from_flags
from tom.engines.endpoint import Endpoint
from tom.sampling.endpoint_shard import write_endpoint_shard
from tom.sampling.procedures import FREE_REPLIES, NUMBERS, add_sampling_flags, read_sampling_flags


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_sampling_flags(parser, FREE_REPLIES, NUMBERS)
    parser.add_argument("--partial", type=Path, required=True, help="keeps answers until the shard is written")
    parser.add_argument("--usage", required=True, help="tokens and cost, JSON")
    add_flags(parser, Endpoint)
    arguments = parser.parse_args()
    cell, settings = read_sampling_flags(parser, arguments)
    endpoint = from_flags(Endpoint, arguments)
    where = (arguments.output, arguments.partial, arguments.usage)
    write_endpoint_shard(*where, endpoint, arguments.procedure, cell, settings)


if __name__ == "__main__":
    run_main(main)
