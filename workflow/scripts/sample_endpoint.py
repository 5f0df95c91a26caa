"""Ask an OpenAI-compatible endpoint about one cell, and write its shard."""

import argparse

from tom.core.errors import run_main
from tom.sampling.endpoint_shard import add_endpoint_arguments, write_endpoint_shard
from tom.sampling.free_replies import observe_replies
from tom.sampling.local_shard import add_cell_arguments


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_cell_arguments(parser)
    add_endpoint_arguments(parser)
    write_endpoint_shard(parser.parse_args(), observe_replies)


if __name__ == "__main__":
    run_main(main)
