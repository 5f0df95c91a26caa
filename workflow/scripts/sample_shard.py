"""Sample one cell with a local model, and write its shard."""

import argparse

from tom.core.errors import run_main
from tom.sampling.local_shard import add_local_flags, read_local_flags, write_local_shard
from tom.sampling.procedures import CHOICES, FREE_REPLIES, NUMBERS, add_sampling_flags, read_sampling_flags


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_sampling_flags(parser, CHOICES, FREE_REPLIES, NUMBERS)
    add_local_flags(parser)
    arguments = parser.parse_args()
    cell, settings = read_sampling_flags(parser, arguments)
    model = read_local_flags(arguments)
    write_local_shard(arguments.output, model, arguments.idle_seconds, arguments.procedure, cell, settings)


if __name__ == "__main__":
    run_main(main)
