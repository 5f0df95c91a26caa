"""Ask an OpenAI-compatible endpoint for a number in one cell of a game, and write its shard."""

import argparse

from tom.core.errors import run_main
from tom.sampling.endpoint_shard import add_endpoint_arguments, write_endpoint_shard
from tom.sampling.local_shard import add_cell_arguments
from tom.sampling.numbers import observe_numbers
from tom.sampling.shards import NUMBER_COLUMNS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_cell_arguments(parser, listed=False)
    add_endpoint_arguments(parser)
    write_endpoint_shard(parser.parse_args(), observe_numbers, NUMBER_COLUMNS)


if __name__ == "__main__":
    run_main(main)
