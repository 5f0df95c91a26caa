"""Score and sample one cell with a local model, and write its shard.

The form of the elicitation decides how: a choice alone is drawn from its exact probabilities, any other reply is
written freely and then read.
"""

import argparse
from functools import partial

from tom.asking.asked_cell import add_cell_arguments
from tom.asking.prompts import CHOICE, load_elicitation
from tom.engines.choices import observe
from tom.engines.free_replies import observe_replies
from tom.engines.local_shard import add_local_arguments, write_local_shard
from tom.errors import run_main


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_cell_arguments(parser)
    add_local_arguments(parser)
    arguments = parser.parse_args()
    if load_elicitation(arguments.elicitation_file).form == CHOICE:
        draw = observe
    else:
        draw = partial(observe_replies, top_p=arguments.top_p)
    write_local_shard(arguments, draw)


if __name__ == "__main__":
    run_main(main)
