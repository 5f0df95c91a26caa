"""Score every contribution to a public good with a local model, draw some, and write the cell's shard."""

import argparse
from functools import partial

from tom.asking.asked_cell import add_cell_arguments
from tom.engines.contributions import observe_contributions
from tom.engines.local_shard import add_local_arguments, write_local_shard
from tom.errors import run_main
from tom.shards import CONTRIBUTION_COLUMNS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_cell_arguments(parser, listed=False)
    add_local_arguments(parser)
    arguments = parser.parse_args()
    write_local_shard(arguments, partial(observe_contributions, top_p=arguments.top_p), CONTRIBUTION_COLUMNS)


if __name__ == "__main__":
    run_main(main)
