"""Score and sample one cell with a local model, and write its shard.

The form of the prompt_format decides how: a choice alone is drawn from its exact probabilities, any other reply is
written freely and then read.
"""

import argparse
from functools import partial

from tom.core.errors import run_main
from tom.prompts.prompts import CHOICE, load_prompt_format
from tom.sampling.choices import observe
from tom.sampling.free_replies import observe_replies
from tom.sampling.local_shard import add_cell_arguments, add_local_arguments, write_local_shard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_cell_arguments(parser)
    add_local_arguments(parser)
    arguments = parser.parse_args()
    if load_prompt_format(arguments.prompt_format_file).form == CHOICE:
        draw = observe
    else:
        draw = partial(observe_replies, top_p=arguments.top_p)
    write_local_shard(arguments, draw)


if __name__ == "__main__":
    run_main(main)
