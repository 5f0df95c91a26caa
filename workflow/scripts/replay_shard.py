"""Write the shard of a recorded teacher: the published counts of one cell as observations."""

import argparse

from tom.core.errors import run_main
from tom.sampling.recorded_choices import replay
from tom.sampling.shards import write_shard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cooperated", type=int, required=True, help="observations that cooperated")
    parser.add_argument("--observations", type=int, required=True, help="all observations")
    parser.add_argument("--model", required=True, help="the model's name in this run")
    parser.add_argument("--game", required=True)
    parser.add_argument("--context", required=True)
    parser.add_argument("--prompt-format", required=True)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    fields = {name: getattr(arguments, name) for name in ("model", "game", "context", "prompt_format")}
    write_shard(arguments.output, replay((arguments.cooperated, arguments.observations), fields))


if __name__ == "__main__":
    run_main(main)
