"""Score every number that a player may name with a local model, draw some, and write the cell's shard."""

import argparse
from functools import partial

from tom.core.errors import run_main
from tom.sampling.local_shard import add_cell_arguments, add_local_arguments, write_local_shard
from tom.sampling.numbers import observe_numbers
from tom.sampling.shards import NUMBER_COLUMNS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_cell_arguments(parser, listed=False)
    add_local_arguments(parser)
    arguments = parser.parse_args()
    write_local_shard(arguments, partial(observe_numbers, top_p=arguments.top_p), NUMBER_COLUMNS)


if __name__ == "__main__":
    run_main(main)
